/** What types are made of: elements, bases, attributes, labels. Renaming those changes what is read, and no row. */

/** Types whose values are looked up in the catalog by name. */
export const LOOKED_UP = "^_?(reg[a-z]+|aclitem)$";

/** A relation `parts(oid)`: the types that the query `start` gives, and all that they are made of. */
const partsOf = (start: string): string => `with recursive parts(oid) as (
  ${start}
  union select q.oid from parts join pg_type y on y.oid = parts.oid cross join lateral (
    values (y.typelem), (y.typbasetype)
    union all select g.rngsubtype from pg_range g where y.oid in (g.rngtypid, g.rngmultitypid)
    union all select b.atttypid from pg_attribute b where b.attrelid = y.typrelid and b.attnum > 0 and not b.attisdropped
  ) q(oid) where q.oid <> 0)`;

/** An expression: versions of the labels and attributes in the types that `start` gives. */
export const typeParts = (
  start: string,
): string => `(select string_agg(v.part, ',' order by v.part) from (
  ${partsOf(start)}
  select e.oid || ':' || e.xmin from parts join pg_enum e on e.enumtypid = parts.oid
  union all select b.attrelid || '.' || b.attnum || ':' || b.xmin from parts join pg_type y on y.oid = parts.oid
    join pg_attribute b on b.attrelid = y.typrelid and b.attnum > 0) v(part))`;

/** A condition: some type in those that `start` gives is looked up in the catalog. */
export const someLookedUp = (start: string): string => `exists (${partsOf(start)}
  select from parts join pg_type y on y.oid = parts.oid where y.typnamespace = 11 and y.typname ~ '${LOOKED_UP}')`;
