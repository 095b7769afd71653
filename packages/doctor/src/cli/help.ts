export const HELP = `hasten-doctor: what is slow in a PostgreSQL database, why, and the index that fixes it

  hasten-doctor [options] [postgres-url]

Without a URL it takes DATABASE_URL, then PGHOST, PGUSER, PGDATABASE … and ~/.pgpass, so that
no password shows in the process list. It reads only, in one session with time-outs, and shows
no value of your data.

What to look at
  --only <parts>            some of indexes,health,plans    default: all
  --sample <60s>            count statements for so long    default: totals since the reset
  --save <file>             keep the counters for a later --since
  --since <file>            count what happened since --save wrote that file
  --queries <file.sql>      these statements in place of pg_stat_statements
  --explain <plan.json>     what is wrong in this plan; needs no database
  --explain <query>         plan this query (or the query in this file) without running it
  --analyze                 run the query of --explain as well, if it can change nothing
  --slow-ms <1000>          a statement whose mean is above is slow

What to give
  --html <file>             one self-contained page
  --json [file.json]        for programs; without a file: on stdout, in place of the text
  --fail-on <severity>      warning or critical: exit code 1 if there is such a finding
  --width <columns>         60 to 200                       default: the terminal's
  --no-color                also by NO_COLOR

How
  --statement-timeout <5s>  after so long the server ends a statement of the doctor
  --cache-dir <folder>      where the booted planner is kept between runs
  -h, --help
  -v, --version

Each option with a value may also come from the environment, as HASTEN_DOCTOR_ and its name:
HASTEN_DOCTOR_FAIL_ON=critical. HASTEN_SLOW_MS is --slow-ms. HASTEN_DEBUG=1 shows stacks.

Examples
  DATABASE_URL=postgres://… npx hasten-doctor
  hasten-doctor --html report.html --sample 5m postgres://doctor@db.example/shop
  hasten-doctor --only health --fail-on critical              in CI or cron
  hasten-doctor --save monday.json    and later    hasten-doctor --since monday.json
  hasten-doctor --explain 'select * from orders where customer_id = $1'
  hasten-doctor --explain plan.json

Exit code
  0  it ran, and --fail-on found nothing
  1  --fail-on found something
  2  it could not run
`;
