/* SPDX-License-Identifier: MIT
 *
 * In: a line of rules. Out: tokens. Refuses what has no end.
 */
#include "lex.h"

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}
static bool letter(uint8_t c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}
static bool inside_word(uint8_t c)
{
    return letter(c) || digit(c) || c == '-' || c == '.';
}

static uint8_t peek(const struct wst_lex *lex, size_t ahead)
{
    return lex->at + ahead < lex->line.n ? lex->line.p[lex->at + ahead] : '\0';
}

static void take(struct wst_lex *lex, enum wst_token_kind kind, size_t from, size_t to)
{
    lex->token.kind = kind;
    lex->token.text = wst_slice_of(lex->line.p + from, to - from);
}

static void wrong(struct wst_lex *lex, const char *why)
{
    lex->token.kind = WST_TOKEN_WRONG;
    lex->token.text = wst_slice_text(why);
}

static void run_of(struct wst_lex *lex, enum wst_token_kind kind)
{
    size_t from = lex->at++;

    while (inside_word(peek(lex, 0))) lex->at++;
    take(lex, kind, from, lex->at);
}

/* Up to the closing quote or slash; a backslash keeps the next one from being it. */
static bool quoted(struct wst_lex *lex, enum wst_token_kind kind, const char *why)
{
    uint8_t close = lex->line.p[lex->at++];
    size_t from = lex->at;

    while (lex->at < lex->line.n && lex->line.p[lex->at] != close)
        lex->at += lex->line.p[lex->at] == '\\' && lex->at + 1 < lex->line.n ? 2 : 1;
    if (lex->at >= lex->line.n) {
        wrong(lex, why);
        return false;
    }
    take(lex, kind, from, lex->at++);
    return true;
}

/* To the next blank that is not in brackets. */
static void path(struct wst_lex *lex)
{
    size_t from = lex->at;
    uint8_t quote = '\0';
    bool bracket = false;

    for (; lex->at < lex->line.n; lex->at++) {
        uint8_t c = lex->line.p[lex->at];
        if (quote) {
            if (c == '\\') lex->at++;
            if (c == quote) quote = '\0';
            if (lex->at >= lex->line.n) break;
            continue;
        }
        if (bracket && (c == '\'' || c == '"')) quote = c;
        if (c == '[' || c == ']') bracket = c == '[';
        if (c == ' ' && !bracket) break;
    }
    if (lex->at > lex->line.n) lex->at = lex->line.n;
    take(lex, WST_TOKEN_PATH, from, lex->at);
}

static void sign(struct wst_lex *lex)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">", "~", ",", "*"};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (!wst_slice_starts(wst_slice_skip(lex->line, lex->at), signs[i])) continue;
        take(lex, WST_TOKEN_SIGN, lex->at, lex->at + n);
        lex->at += n;
        return;
    }
    wrong(lex, peek(lex, 0) == '=' ? "== was expected" : "this character means nothing here");
}

void wst_lex_next(struct wst_lex *lex)
{
    uint8_t c;

    if (lex->token.kind == WST_TOKEN_WRONG) return;
    while (peek(lex, 0) == ' ' || peek(lex, 0) == '\t' || peek(lex, 0) == '\r') lex->at++;
    c = peek(lex, 0);
    lex->token = (struct wst_token){.column = (uint32_t)lex->at + 1};
    if (lex->at == lex->line.n || c == '#') {
        lex->token.kind = WST_TOKEN_END;
    } else if (letter(c) || (c == ':' && letter(peek(lex, 1)))) { /* :path, a field of HTTP/2 */
        run_of(lex, WST_TOKEN_WORD);
    } else if (digit(c) || (c == '-' && digit(peek(lex, 1)))) {
        run_of(lex, WST_TOKEN_NUMBER);
    } else if (c == '"') {
        quoted(lex, WST_TOKEN_STRING, "this text has no closing \"");
    } else if (c == '/') {
        if (!quoted(lex, WST_TOKEN_REGEX, "this expression has no closing /")) return;
        lex->token.nocase = peek(lex, 0) == 'i';
        lex->at += lex->token.nocase;
    } else if (c == '$') {
        path(lex);
    } else {
        sign(lex);
    }
}

void wst_lex_begin(struct wst_lex *lex, struct wst_slice line)
{
    *lex = (struct wst_lex){.line = line};
    wst_lex_next(lex);
}

/* -- numbers --------------------------------------------------------------------------------- */

/* Digits, and a fraction in billionths; returns where the unit begins; 0: no number. */
static size_t number(struct wst_slice text, uint64_t *whole, uint64_t *billionths)
{
    uint64_t unit = 1000000000;
    size_t i = 0;

    *whole = *billionths = 0;
    for (; i < text.n && digit(text.p[i]); i++) {
        if (*whole > (UINT64_MAX - 9) / 10) return 0;
        *whole = *whole * 10 + (text.p[i] - '0');
    }
    if (i == 0 || i == text.n || text.p[i] != '.') return i;
    for (i++; i < text.n && digit(text.p[i]); i++) *billionths += (text.p[i] - '0') * (unit /= 10);
    return i;
}

bool wst_lex_integer(const struct wst_token *token, uint64_t *value)
{
    uint64_t fraction;

    return token->kind == WST_TOKEN_NUMBER &&
           number(token->text, value, &fraction) == token->text.n && fraction == 0;
}

bool wst_lex_size(const struct wst_token *token, uint64_t *value)
{
    static const char units[] = "KMG";
    uint64_t fraction;
    size_t n = token->kind == WST_TOKEN_NUMBER ? number(token->text, value, &fraction) : 0;
    struct wst_slice rest;
    const char *unit;

    if (n == 0 || fraction) return false;
    if (n == token->text.n) return true;
    rest = wst_slice_skip(token->text, n + 1);
    if (rest.n && !wst_slice_is_nocase(rest, "B") && !wst_slice_is_nocase(rest, "iB")) return false;
    unit = strchr(units, token->text.p[n] & ~0x20);
    if (unit == NULL || *unit == '\0') return false;
    for (const char *u = units; u <= unit; u++) {
        if (*value > UINT64_MAX / 1024) return false;
        *value *= 1024;
    }
    return true;
}

bool wst_lex_time(const struct wst_token *token, int64_t *ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {
        {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};
    uint64_t whole, billionths;
    size_t n = token->kind == WST_TOKEN_NUMBER ? number(token->text, &whole, &billionths) : 0;

    for (size_t i = 0; n && i < sizeof units / sizeof *units; i++) {
        if (!wst_slice_is(wst_slice_skip(token->text, n), units[i].name)) continue;
        if (whole > (uint64_t)INT64_MAX / 2 / units[i].ns) return false;
        *ns = (int64_t)(whole * units[i].ns +
                        (uint64_t)((double)billionths * 1e-9 * (double)units[i].ns + 0.5));
        return true;
    }
    return false;
}
