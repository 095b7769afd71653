import type pg from "pg";

/** Rows enough for the planner to care about indexes; the same in every run. */
export async function seedRows(client: pg.Client): Promise<void> {
  await client.query(`
    insert into domains (id, document, updated_at)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
      jsonb_build_object('name', 'Domain ' || n, 'description', 'About domain ' || n,
        'owner_team', 'team-' || n % 100),
      timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 4000) n`);
  await client.query(`
    insert into metrics (document, updated_at, created_at)
    select jsonb_build_object('name', 'Metric ' || n, 'description',
        (array['Revenue', 'Churned customers', 'Latency', 'Uptime', 'Refunds'])[1 + n % 5]
          || ' of product ' || n,
        'category', 'category-' || n % 20, 'tier', case when n % 25 = 0 then 'tier1' when n % 2 = 0 then 'tier2' else 'tier3' end, 'owner', 'owner-' || n % 200,
        'business_domain', 'domain-' || n % 50,
        'tags', jsonb_build_array('tag-' || n % 40, 'tag-' || n % 41, 'rare-' || n / 10)),
      timestamptz '2026-01-01' + n * interval '1 second',
      timestamptz '2025-01-01' + n * interval '1 second'
    from generate_series(1, 20000) n`);
  await client.query(`
    insert into objectives (document, updated_at)
    select jsonb_build_object('name', 'Objective ' || n, 'description', 'Number ' || n,
        'domain_id', '00000000-0000-4000-8000-' || lpad((1 + n % 4000)::text, 12, '0'),
        'timeframe', 2000 + n % 40 || '-Q' || 1 + n % 4, 'status', 'active'),
      timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 8000) n`);
  await client.query(`
    insert into users (document, updated_at)
    select jsonb_build_object('email', 'user' || n || '@example.com', 'name', 'User ' || n,
        'role', case when n % 100 = 0 then 'admin' when n % 10 = 0 then 'editor' else 'viewer' end,
        'active', n % 20 <> 0),
      timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 8000) n`);
  for (const table of ["domains", "metrics", "objectives", "users"]) {
    await client.query(`analyze ${table}`);
    await vacuum(client, table);
  }
}

/** Until every page is known to be visible to everyone: a session elsewhere may hold that back. */
async function vacuum(client: pg.Client, table: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    await client.query(`vacuum ${table}`);
    const { rows } = await client.query(
      "select relallvisible >= relpages as done from pg_class where oid = $1::regclass",
      [table],
    );
    if (rows[0].done) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
