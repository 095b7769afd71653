export { POSTGRES_CODES, type PostgresCode, PostgresError } from "./errors.ts";
export { IDENTIFIER_BYTES_MAX, quoteIdentifier, quoteQualified } from "./ident.ts";
export { ident, Sql, type SqlTag, type Statement, sql, trustedSql, VALUES_MAX } from "./sql.ts";
