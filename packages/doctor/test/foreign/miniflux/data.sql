select setseed(0.42);
insert into users (username) select 'u' || i from generate_series(1, 40) i;
insert into categories (user_id, title) select u, 'c' || c from generate_series(1, 40) u, generate_series(1, 6) c;
insert into feeds (user_id, category_id, title, feed_url, site_url, next_check_at, disabled)
  select (i - 1) % 40 + 1, ((i - 1) % 40) * 6 + i % 6 + 1, 'f' || i, 'https://f/' || i, 'https://s/' || i, timestamptz '2026-01-01' + random() * interval '2 days', i % 50 = 0
  from generate_series(1, 3000) i;
insert into entries (user_id, feed_id, hash, published_at, changed_at, title, url, content, status, starred, share_code, tags, document_vectors)
  select (f - 1) % 40 + 1, f, md5(i::text), timestamptz '2024-01-01' + i * interval '3 minutes', timestamptz '2024-01-01' + i * interval '3 minutes',
  'title ' || i, 'https://e/' || i, repeat('text ', 30), (case when r < 0.08 then 'unread' when r < 0.9 then 'read' else 'removed' end)::entry_status,
  r2 < 0.01, case when r2 > 0.9995 then 's' || i else '' end, array['t' || i % 400],
  to_tsvector('english', 'title ' || i || ' word' || i % 5000 || ' ' || (array['postgres','index','cache','query'])[i % 4 + 1])
  from (select i, (i * 7) % 3000 + 1 as f, random() r, random() r2 from generate_series(1, 150000) i) x;
insert into enclosures (user_id, entry_id, url) select e.user_id, e.id, 'https://x/' || e.id from entries e where e.id % 10 = 0;
vacuum analyze;
