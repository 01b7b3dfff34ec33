/* SPDX-License-Identifier: MIT
 *
 * In: nanoseconds since 1970. Out: "2026-11-21T12:00:01" and the rest below a second.
 * Refuses nothing: times before 1970, as damaged captures have them, are dates like others.
 */
#include "clock.h"

#include <time.h>

#include "digits.h"

const char wst_digit_pairs[200] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

uint8_t *wst_digits_large(uint8_t *at, uint64_t value)
{
    uint8_t *end = at + wst_digits_count(value), *p = end;
    for (; p > at; value /= 10) *--p = (uint8_t)('0' + value % 10);
    return end;
}

enum { DAY = 86400 };

/* Day number since 1970 to year, month, day in the Gregorian calendar.
 *
 * Years are counted from 1 March, so that the leap day is the last of its year; then 400 years
 * are always 146097 days, and 153 days are always five months from March on (31+30+31+30+31). */
static void civil(int64_t days, struct tm *tm)
{
    int64_t since = days + 719468; /* 0000-03-01 to 1970-01-01 */
    int64_t era = (since >= 0 ? since : since - 146096) / 146097;
    int day = (int)(since - era * 146097); /* 0–146096 */
    int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int of_year = day - (365 * year + year / 4 - year / 100);
    int month = (5 * of_year + 2) / 153; /* 0: March */
    tm->tm_mday = of_year - (153 * month + 2) / 5 + 1;
    tm->tm_mon = month < 10 ? month + 2 : month - 10;
    tm->tm_year = (int)(era * 400 + year + (month >= 10) - 1900);
}

static void utc(int64_t second, struct tm *tm)
{
    int64_t days = second / DAY;
    int rest = (int)(second % DAY);
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    civil(days, tm);
    tm->tm_hour = rest / 3600;
    tm->tm_min = rest / 60 % 60;
    tm->tm_sec = rest % 60;
}

static void format(char *text, const struct tm *tm)
{
    uint8_t *at = (uint8_t *)text;
    unsigned year = (unsigned)(tm->tm_year + 1900) % 10000;
    wst_digits_pair(at, year / 100);
    wst_digits_pair(at + 2, year % 100);
    at[4] = at[7] = '-';
    wst_digits_pair(at + 5, (unsigned)tm->tm_mon + 1);
    wst_digits_pair(at + 8, (unsigned)tm->tm_mday);
    at[10] = 'T';
    wst_digits_pair(at + 11, (unsigned)tm->tm_hour);
    at[13] = at[16] = ':';
    wst_digits_pair(at + 14, (unsigned)tm->tm_min);
    wst_digits_pair(at + 17, (unsigned)tm->tm_sec);
}

static void set_second(struct wst_clock *clock, int64_t second)
{
    time_t when = (time_t)second;
    struct tm tm = {0};
    if (!clock->local || !localtime_r(&when, &tm)) utc(second, &tm);
    format(clock->text, &tm);
    clock->second = second;
    clock->valid = true;
}

uint32_t wst_clock_set(struct wst_clock *clock, int64_t ns)
{
    int64_t second = ns / 1000000000;
    int32_t rest = (int32_t)(ns % 1000000000);
    if (rest < 0) {
        rest += 1000000000;
        second--;
    }
    if (clock->valid && clock->second == second) return (uint32_t)rest;
    set_second(clock, second);
    return (uint32_t)rest;
}
