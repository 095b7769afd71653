import { relations } from "drizzle-orm";
import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import { boolean, date, integer, numeric, pgTable, text } from "drizzle-orm/pg-core";
import type pg from "pg";

export const teams = pgTable("teams", { id: integer("id").primaryKey(), name: text("name") });
export const users = pgTable("users", {
  id: integer("id").primaryKey(),
  name: text("name").notNull(),
  role: text("role").notNull(),
  teamId: integer("team_id").notNull(),
  managerId: integer("manager_id"),
});
export const posts = pgTable("posts", {
  id: integer("id").primaryKey(),
  authorId: integer("author_id").notNull(),
  title: text("title").notNull(),
});
export const comments = pgTable("comments", {
  id: integer("id").primaryKey(),
  postId: integer("post_id").notNull(),
  authorId: integer("author_id").notNull(),
  text: text("text").notNull(),
});
export const products = pgTable("products", {
  id: integer("id").primaryKey(),
  name: text("name").notNull(),
  price: numeric("price").notNull(),
  stock: integer("stock").notNull(),
  categoryId: integer("category_id").notNull(),
});
export const orders = pgTable("orders", {
  id: integer("id").primaryKey().generatedByDefaultAsIdentity(),
  customerId: integer("customer_id").notNull(),
  status: text("status").notNull(),
  total: numeric("total").notNull(),
});
export const orderLines = pgTable("order_lines", {
  id: integer("id").primaryKey().generatedByDefaultAsIdentity(),
  orderId: integer("order_id").notNull(),
  productId: integer("product_id").notNull(),
  quantity: integer("quantity").notNull(),
});
export const permissions = pgTable("permissions", {
  userId: integer("user_id"),
  documentId: integer("document_id"),
  allowed: boolean("allowed").notNull(),
});
export const events = pgTable("events", {
  id: integer("id").primaryKey(),
  kind: text("kind").notNull(),
  userId: integer("user_id").notNull(),
});
export const rates = pgTable("rates", {
  currency: text("currency"),
  day: date("day"),
  rate: numeric("rate"),
});
export const settings = pgTable("settings", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});

const postsRelations = relations(posts, ({ one, many }) => ({
  author: one(users, { fields: [posts.authorId], references: [users.id] }),
  comments: many(comments),
}));
const commentsRelations = relations(comments, ({ one }) => ({
  post: one(posts, { fields: [comments.postId], references: [posts.id] }),
}));

const schema = { users, posts, comments, postsRelations, commentsRelations };
export type Drizzle = NodePgDatabase<typeof schema>;

export const openDrizzle = (pool: pg.Pool): Drizzle => drizzle(pool, { schema });
