/**
 * HTTP-date (RFC 9110 §5.6.7): the three formats, and nothing else. Names are case-sensitive, the
 * weekday must be the date's own, and a field that does not fit is undefined rather than a guess:
 * an Expires that cannot be read means "already expired".
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"].concat([
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
]);
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const TIME = "([0-9]{2}):([0-9]{2}):([0-9]{2})";
const MONTH = `(${MONTHS.join("|")})`;
const SHORT_DAY = "(Sun|Mon|Tue|Wed|Thu|Fri|Sat)";

const IMF_FIXDATE = new RegExp(`^${SHORT_DAY}, ([0-9]{2}) ${MONTH} ([0-9]{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^(${DAYS.join("|")}), ([0-9]{2})-${MONTH}-([0-9]{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^${SHORT_DAY} ${MONTH} ([0-9]{2}| [0-9]) ${TIME} ([0-9]{4})$`);

/** The longest valid form, `Wednesday, 09-Nov-94 08:49:37 GMT`, has 33 characters. */
const LENGTH_MAX = 33;

const YEARS_AHEAD_MAX = 50;
const MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59);

interface Parts {
  readonly day: string;
  readonly date: string;
  readonly month: string;
  readonly year: number;
  readonly time: readonly string[];
}

/**
 * Milliseconds since 1970 of an HTTP-date, or undefined when it is not one.
 * `nowMs` places the two-digit years of the RFC 850 form.
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | undefined {
  if (text.length > LENGTH_MAX) return undefined;
  const parts = partsOf(text, nowMs);
  return parts === undefined ? undefined : millisecondsOf(parts);
}

/** The preferred form, IMF-fixdate. Clamped to what it can say: years 1970 to 9999. */
export function formatHttpDate(ms: number): string {
  const clampedMs = Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MS_MAX) : 0;
  return new Date(clampedMs).toUTCString();
}

function partsOf(text: string, nowMs: number): Parts | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) {
    return parts({ day: imf[1], date: imf[2], month: imf[3], year: Number(imf[4]) }, imf.slice(5));
  }
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) {
    const year = Number(asctime[7]);
    return parts({ day: asctime[1], date: asctime[3], month: asctime[2], year }, asctime.slice(4));
  }
  const old = RFC_850.exec(text);
  if (old === null) return undefined;
  const year = fullYear(Number(old[4]), nowMs);
  return parts({ day: old[1], date: old[2], month: old[3], year }, old.slice(5));
}

function parts(
  matched: {
    day: string | undefined;
    date: string | undefined;
    month: string | undefined;
    year: number;
  },
  time: readonly string[],
): Parts {
  const { day = "", date = "", month = "", year } = matched;
  return { day, date, month, year, time };
}

/** RFC 9110 §5.6.7: a date more than 50 years ahead is the latest such year in the past. */
function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + YEARS_AHEAD_MAX ? year - 100 : year;
}

function millisecondsOf(parts: Parts): number | undefined {
  const [hour = 99, minute = 99, second = 99] = parts.time.map(Number);
  const date = Number(parts.date);
  // :60 is a leap second (RFC 5322 §3.3); Date.UTC rolls it into the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const month = MONTHS.indexOf(parts.month);
  const midnight = new Date(0);
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  midnight.setUTCFullYear(parts.year, month, date);
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== date) return undefined;
  if (!DAYS[midnight.getUTCDay()]?.startsWith(parts.day)) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}
