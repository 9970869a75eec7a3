/* SPDX-License-Identifier: Apache-2.0
 * Microseconds since the epoch and the two spellings of time: LDAP's generalizedTime, and RFC 3339. Proleptic Gregorian
 * calendar, no leap seconds in the count: second 60 is the first second of the next minute, as in POSIX. */
#include "dirhinge/base/codec.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR   (60 * US_PER_MINUTE)
#define US_PER_DAY    (24 * US_PER_HOUR)
#define DAYS_YEAR_0   INT64_C(-719528) /* 0000-01-01 */
#define DAYS_END      INT64_C(2932897) /* 10000-01-01 */

struct parts {
	int year, month, day, hour, minute, second;
	int64_t fraction_us; /* of the last unit given, already in µs */
	int64_t offset_us;   /* east of Greenwich */
	size_t second_at;    /* where the seconds stand, for messages */
};

struct cursor {
	struct strv in;
	size_t pos;
	struct err *e;
};

static bool
is_digit_at(const struct cursor *c, size_t pos)
{
	return pos < c->in.n && c->in.p[pos] >= '0' && c->in.p[pos] <= '9';
}

static bool
is_at(const struct cursor *c, char a, char b)
{
	return c->pos < c->in.n && (c->in.p[c->pos] == a || c->in.p[c->pos] == b);
}

/* count digits whose value is within lo..hi; what names the field in the message. */
static int
number(struct cursor *c, size_t count, int lo, int hi, const char *what, int *value_r)
{
	int v = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_digit_at(c, c->pos + i))
			return err_at(c->e, c->pos + i, ERR_PARSE, "expected a digit of the %s", what);
		v = v * 10 + (c->in.p[c->pos + i] - '0');
	}
	if (v < lo || v > hi)
		return err_at(c->e, c->pos, ERR_PARSE, "the %s is not within %d-%d", what, lo, hi);
	c->pos += count;
	*value_r = v;
	return 0;
}

static int
literal(struct cursor *c, char a, char b)
{
	if (!is_at(c, a, b))
		return err_at(c->e, c->pos, ERR_PARSE, "expected \"%c\"", a);
	c->pos++;
	return 0;
}

/* Digits of a fraction of unit µs, cut to a whole µs. Taken from the last digit: the floor of a floor is exact, so that
 * any number of digits fits. */
static int
fraction(struct cursor *c, int64_t unit, int64_t *us_r)
{
	size_t begin = ++c->pos;
	int64_t us = 0;

	while (is_digit_at(c, c->pos))
		c->pos++;
	if (c->pos == begin)
		return err_at(c->e, begin, ERR_PARSE, "expected a digit of the fraction");
	for (size_t i = c->pos; i-- > begin;)
		us = (us + (c->in.p[i] - '0') * unit) / 10;
	*us_r = us;
	return 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01. The year is counted from March, so that the leap day is its last. */
static int64_t
days_from_date(int year, int month, int day)
{
	int64_t y = month > 2 ? year : (int64_t)year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static int
date(struct cursor *c, const char *separator, struct parts *p)
{
	if (number(c, 4, 0, 9999, "year", &p->year) < 0 || (*separator && literal(c, *separator, *separator) < 0) ||
	    number(c, 2, 1, 12, "month", &p->month) < 0 || (*separator && literal(c, *separator, *separator) < 0))
		return -1;
	return number(c, 2, 1, days_in_month(p->year, p->month), "day", &p->day);
}

static int
zone(struct cursor *c, bool colon, bool minutes_needed, struct parts *p)
{
	int hour, minute = 0;

	if (is_at(c, '+', '-')) {
		bool west = c->in.p[c->pos++] == '-';

		if (number(c, 2, 0, 23, "hour of the offset", &hour) < 0 || (colon && literal(c, ':', ':') < 0))
			return -1;
		if ((minutes_needed || is_digit_at(c, c->pos)) &&
		    number(c, 2, 0, 59, "minute of the offset", &minute) < 0)
			return -1;
		p->offset_us = (west ? -1 : 1) * (hour * US_PER_HOUR + minute * US_PER_MINUTE);
		return 0;
	}
	/* RFC 3339 5.6: "z" may be lower case there; RFC 4517 3.3.13 knows only "Z". */
	if (!is_at(c, 'Z', colon ? 'z' : 'Z'))
		return err_at(c->e, c->pos, ERR_PARSE, "expected \"Z\" or an offset like %s",
			      colon ? "+01:00" : "+0100");
	c->pos++;
	return 0;
}

static int
assemble(const struct cursor *c, const struct parts *p, int64_t *us_r)
{
	int64_t minute_us = days_from_date(p->year, p->month, p->day) * US_PER_DAY + p->hour * US_PER_HOUR +
			    p->minute * US_PER_MINUTE - p->offset_us;
	int64_t us = minute_us + p->second * US_PER_SECOND + p->fraction_us;

	if (c->pos < c->in.n)
		return err_at(c->e, c->pos, ERR_PARSE, "there is something behind the end of the time");
	if (p->second == 60) {
		/* Leap seconds are inserted at the end of a day of UTC only. */
		int64_t next = minute_us + US_PER_MINUTE;

		if (next % US_PER_DAY != 0)
			return err_at(c->e, p->second_at, ERR_PARSE, "second 60 exists only at 23:59 UTC");
	}
	if (us < DAYS_YEAR_0 * US_PER_DAY || us >= DAYS_END * US_PER_DAY)
		return err_at(c->e, 0, ERR_PARSE, "the time is outside of the years 0000-9999 UTC");
	*us_r = us;
	return 0;
}

/* RFC 4517 3.3.13: YYYYmmddHH[MM[SS]][(.|,)f+](Z|±HH[MM]); the fraction belongs to the last unit given. */
int
time_from_generalized(struct strv in, int64_t *us_r, struct err *e)
{
	struct cursor c = {.in = in, .e = e};
	struct parts p = {.year = 0};
	int64_t unit = US_PER_HOUR;

	if (date(&c, "", &p) < 0 || number(&c, 2, 0, 23, "hour", &p.hour) < 0)
		return -1;
	if (is_digit_at(&c, c.pos)) {
		unit = US_PER_MINUTE;
		if (number(&c, 2, 0, 59, "minute", &p.minute) < 0)
			return -1;
		p.second_at = c.pos;
		if (is_digit_at(&c, c.pos)) {
			unit = US_PER_SECOND;
			if (number(&c, 2, 0, 60, "second", &p.second) < 0)
				return -1;
		}
	}
	if (is_at(&c, '.', ',') && fraction(&c, unit, &p.fraction_us) < 0)
		return -1;
	if (zone(&c, false, false, &p) < 0)
		return -1;
	return assemble(&c, &p, us_r);
}

int
time_from_rfc3339(struct strv in, int64_t *us_r, struct err *e)
{
	struct cursor c = {.in = in, .e = e};
	struct parts p = {.year = 0};

	if (date(&c, "-", &p) < 0 || literal(&c, 'T', 't') < 0 || number(&c, 2, 0, 23, "hour", &p.hour) < 0 ||
	    literal(&c, ':', ':') < 0 || number(&c, 2, 0, 59, "minute", &p.minute) < 0 || literal(&c, ':', ':') < 0)
		return -1;
	p.second_at = c.pos;
	if (number(&c, 2, 0, 60, "second", &p.second) < 0)
		return -1;
	if (is_at(&c, '.', '.') && fraction(&c, US_PER_SECOND, &p.fraction_us) < 0)
		return -1;
	if (zone(&c, true, true, &p) < 0)
		return -1;
	return assemble(&c, &p, us_r);
}

static struct parts
split(int64_t us)
{
	must(us >= DAYS_YEAR_0 * US_PER_DAY && us < DAYS_END * US_PER_DAY);
	int64_t days = us / US_PER_DAY - (us % US_PER_DAY < 0);
	int64_t rest = us - days * US_PER_DAY;
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* from March */
	struct parts p = {
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.hour = (int)(rest / US_PER_HOUR),
		.minute = (int)(rest / US_PER_MINUTE % 60),
		.second = (int)(rest / US_PER_SECOND % 60),
		.fraction_us = rest % US_PER_SECOND,
	};

	p.year = (int)(year_of_era + era * 400 + (p.month <= 2));
	return p;
}

/* Decimal digits, most significant first; returns the place behind them. */
static char *
digits(char *out, int64_t v, int count)
{
	for (int i = count; i-- > 0; v /= 10)
		out[i] = (char)('0' + v % 10);
	return out + count;
}

static void
print(const struct parts *p, const char *date_sep, const char *t, const char *time_sep, char *out)
{
	const int fields[] = {p->month, p->day, p->hour, p->minute, p->second};
	const char *const before[] = {date_sep, date_sep, t, time_sep, time_sep};

	out = digits(out, p->year, 4);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (before[i][0] != '\0')
			*out++ = before[i][0];
		out = digits(out, fields[i], 2);
	}
	if (p->fraction_us != 0) {
		*out++ = '.';
		out = digits(out, p->fraction_us, 6);
	}
	*out++ = 'Z';
	*out = '\0';
}

void
time_to_generalized(int64_t us, char out[24])
{
	struct parts p = split(us);

	print(&p, "", "", "", out);
}

void
time_to_rfc3339(int64_t us, char out[32])
{
	struct parts p = split(us);

	print(&p, "-", "T", ":", out);
}
