import type pg from "pg";

interface Order {
  id: number;
  customer_id: number;
  status: string;
  lines?: object[];
}

export class OrderService {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async recent(): Promise<Order[]> {
    const { rows: orders } = await this.#pool.query<Order>(
      "select id, customer_id, status from orders order by id desc limit 15",
    );
    for (const order of orders) {
      const lines = await this.#pool.query(
        "select product_id, quantity from order_lines where order_id = $1",
        [order.id],
      );
      order.lines = lines.rows as object[];
    }
    return orders;
  }

  async recentJoined(): Promise<object[]> {
    const { rows } = await this.#pool.query<object>(
      `select o.id, o.status, l.lines from orders o
       left join lateral (select json_agg(x) as lines from order_lines x where x.order_id = o.id) l on true
       order by o.id desc limit $1`,
      [15],
    );
    return rows;
  }

  async recentBatched(): Promise<Order[]> {
    const { rows: orders } = await this.#pool.query<Order>(
      "select id, customer_id, status from orders order by id desc limit 15",
    );
    const { rows: lines } = await this.#pool.query<{ order_id: number }>(
      "select order_id, product_id, quantity from order_lines where order_id = any($1)",
      [orders.map((order) => order.id)],
    );
    for (const order of orders) order.lines = lines.filter((line) => line.order_id === order.id);
    return orders;
  }

  /** Each product is locked in the order of the ids, looked at, and taken from. */
  async checkout(customer: number, basket: ReadonlyMap<number, number>): Promise<number> {
    const client = await this.#pool.connect();
    try {
      await client.query("begin");
      const { rows } = await client.query<{ id: number }>(
        "insert into orders (customer_id, status, total) values ($1, 'open', 0) returning id",
        [customer],
      );
      const order = rows[0]!.id;
      for (const [product, quantity] of basket) {
        const found = await client.query<{ stock: number }>(
          "select stock from products where id = $1 for update",
          [product],
        );
        if (found.rows[0]!.stock < quantity) throw new Error("out of stock");
        await client.query("update products set stock = stock - $2 where id = $1", [
          product,
          quantity,
        ]);
        await client.query(
          "insert into order_lines (order_id, product_id, quantity) values ($1, $2, $3)",
          [order, product, quantity],
        );
      }
      await client.query("commit");
      return order;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  }

  /** Two lists beside each other on one page. */
  async board(): Promise<object[]> {
    const columns = ["open", "paid"].map(async (status) => {
      const { rows } = await this.#pool.query<Order>(
        "select id, total from orders where status = $1 order by id desc limit 10",
        [status],
      );
      return { status, rows };
    });
    return Promise.all(columns);
  }

  async dashboard(): Promise<object> {
    const open = await this.#pool.query("select count(*) from orders where status = 'open'");
    const revenue = await this.#pool.query("select sum(total) from orders");
    const customers = await this.#pool.query("select count(*) from users");
    const products = await this.#pool.query("select count(*) from products where stock > 0");
    const comments = await this.#pool.query("select count(*) from comments");
    return [open, revenue, customers, products, comments].map((result) => result.rows[0]);
  }

  /** Each is found by what the one before says. */
  async detail(id: number): Promise<object> {
    const order = await this.#pool.query<Order>(
      "select id, customer_id from orders where id = $1",
      [id],
    );
    const customer = await this.#pool.query<{ team_id: number }>(
      "select name, team_id from users where id = $1",
      [order.rows[0]!.customer_id],
    );
    const team = await this.#pool.query("select name from teams where id = $1", [
      customer.rows[0]!.team_id,
    ]);
    return { order, customer, team };
  }

  async *export(): AsyncGenerator<Order> {
    let after = 0;
    while (true) {
      const { rows } = await this.#pool.query<Order>(
        "select id, customer_id, status from orders where id > $1 order by id limit 20",
        [after],
      );
      yield* rows;
      if (rows.length < 20) return;
      after = rows.at(-1)!.id;
    }
  }

  /** A report must see one state of the data, but not by one question for each customer. */
  async statement(customers: readonly number[]): Promise<unknown[]> {
    const client = await this.#pool.connect();
    try {
      await client.query("begin transaction isolation level repeatable read read only");
      const totals: unknown[] = [];
      for (const customer of customers) {
        const { rows } = await client.query<{ sum: string }>(
          "select sum(total) from orders where customer_id = $1",
          [customer],
        );
        totals.push(rows[0]);
      }
      await client.query("commit");
      return totals;
    } finally {
      client.release();
    }
  }
}
