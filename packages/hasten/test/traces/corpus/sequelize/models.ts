import {
  DataTypes,
  type HasManyGetAssociationsMixin,
  Model,
  type ModelStatic,
  Sequelize,
} from "sequelize";

export class User extends Model {
  declare id: number;
  declare name: string;
  declare email: string;
  declare team_id: number;
  declare manager_id: number | null;
  declare posts?: Post[];
  declare getPosts: HasManyGetAssociationsMixin<Post>;
}
export class Team extends Model {
  declare id: number;
  declare name: string;
}
export class Post extends Model {
  declare id: number;
  declare title: string;
  declare author_id: number;
  declare getAuthor: () => Promise<User>;
}
export class Product extends Model {
  declare id: number;
  declare price: string;
  declare stock: number;
}
export class Order extends Model {
  declare id: number;
  declare customer_id: number;
}
export class OrderLine extends Model {
  declare id: number;
  declare product_id: number;
}
export class Setting extends Model {
  declare key: string;
  declare value: string;
}
export class Event extends Model {
  declare id: number;
}
export class Document extends Model {
  declare title: string;
}

const id = { type: DataTypes.INTEGER, primaryKey: true };
const serial = { ...id, autoIncrement: true };
const { INTEGER, TEXT, DECIMAL } = DataTypes;

export function openSequelize(url: string): Sequelize {
  const sequelize = new Sequelize(url, { dialect: "postgres", logging: false, pool: { max: 5 } });
  const define = (model: ModelStatic<Model>, tableName: string, columns: object): void => {
    model.init(columns as never, { sequelize, tableName, timestamps: false });
  };
  const person = { name: TEXT, email: TEXT, role: TEXT, team_id: INTEGER, manager_id: INTEGER };
  define(Team, "teams", { id, name: TEXT });
  define(User, "users", { id, ...person });
  define(Post, "posts", { id, title: TEXT, author_id: INTEGER });
  define(Product, "products", { id, name: TEXT, price: DECIMAL, stock: INTEGER });
  define(Order, "orders", { id: serial, customer_id: INTEGER, status: TEXT, total: DECIMAL });
  define(OrderLine, "order_lines", {
    ...{ id: serial, order_id: INTEGER, product_id: INTEGER, quantity: INTEGER },
  });
  define(Setting, "settings", { key: { type: TEXT, primaryKey: true }, value: TEXT });
  define(Event, "events", { id, kind: TEXT, user_id: INTEGER });
  define(Document, "documents", { id, owner_id: INTEGER, title: TEXT, content: TEXT });
  User.hasMany(Post, { as: "posts", foreignKey: "author_id" });
  Post.belongsTo(User, { as: "author", foreignKey: "author_id" });
  return sequelize;
}
