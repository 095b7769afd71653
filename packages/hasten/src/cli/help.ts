export const HELP = `hasten: looks at a PostgreSQL database, and prepares it

  hasten preflight <url>   what hasten can promise on this database, and what is missing,
                           with the SQL. Changes nothing.
  hasten setup <url>       creates the publication of the tables that this role owns and that
                           have a usable replica identity, or adds what is missing to it.
  hasten setup --triggers <url>
                           creates the change log and its triggers instead, where wal_level
                           cannot be changed.

Options
  --direct-url <url>       the same database without a pooler in between
  --publication <name>     default: hasten
  --json                   the whole result for programs
  --dry-run                setup only: prints the SQL and runs none of it
  -h, --help

The URL may also come from DATABASE_URL: then it shows in no process list.

Exit code
  0  preflight: the stream can be had; setup: done
  1  preflight: only a weaker promise can be kept, or the server did not answer
  2  the command line is wrong
  3  the server refused
`;
