/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <jansson.h>

#include "escape.h"
#include "quote.h"
#include "utf8.h"

#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

/* What `write` puts out for `s`; the caller frees. */
static char *output(void (*write)(struct wst_out *out, struct wst_slice s), struct wst_slice s)
{
    struct sink sink = {.fail_after = -1};
    struct wst_out *out = malloc(sizeof *out);
    wst_out_init(out, sink_write, &sink);
    write(out, s);
    wst_out_bytes(out, "", 1); /* so that there is something */
    assert_int_equal(wst_out_flush(out), 0);
    free(out);
    return sink.p;
}

static void expect(void (*write)(struct wst_out *, struct wst_slice), struct wst_slice s,
                   const char *expected)
{
    char *got = output(write, s);
    assert_string_equal(got, expected);
    free(got);
}

struct row {
    const char *bytes, *expected;
};

/* No byte that a terminal obeys, nothing hidden, valid UTF-8. */
static void expect_safe(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;
    assert_true(wst_utf8_valid((struct wst_slice){p, n}));
    while (p < end) {
        size_t len = wst_utf8_char(p, end);
        assert_true(*p >= 0x20 && *p != 0x7f);
        if (len == 2) assert_false(wst_utf8_hidden((uint32_t)(p[0] & 31) << 6 | (p[1] & 63)));
        if (len == 3)
            assert_false(wst_utf8_hidden((uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 |
                                         (p[2] & 63)));
        p += len;
    }
}

static void json_rows(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"Hello", "Hello"},
        {"a\"b\\c/d", "a\\\"b\\\\c/d"},
        {"\b\f\n\r\t\x01\x1b\x1f\x7f", "\\b\\f\\n\\r\\t\\u0001\\u001b\\u001f\\u007f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc2\x80\xc2\x9b\xc2\xa0", "\\u0080\\u009b\xc2\xa0"},        /* C1, not NBSP */
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},                /* separators */
        {"\xe2\x80\xae\xe2\x81\xa6\xd8\x9c", "\\u202e\\u2066\\u061c"}, /* bidi */
        {"\xe2\x80\x8d\xe2\x80\x8c", "\xe2\x80\x8d\xe2\x80\x8c"},      /* joiners pass */
        {"\xef\xbb\xbf\xc2\xad", "\\ufeff\\u00ad"},
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41"}, /* a tag, as a surrogate pair */
        {"a\xff\xc3(\xed\xa0\x80", "a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd\\ufffd"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++)
        expect(wst_escape_json,
               (struct wst_slice){(const uint8_t *)rows[i].bytes, strlen(rows[i].bytes)},
               rows[i].expected);
    expect(wst_escape_json, SLICE("a\0b"), "a\\u0000b");
    expect(wst_escape_json, (struct wst_slice){NULL, 0}, "");
}

static void json_loose(void **state)
{
    (void)state;
    expect(wst_escape_json_loose, SLICE("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    expect(wst_escape_json_loose, SLICE("gr\xfc\xdf\x9b\x1b\""),
           "gr\xc3\xbc\xc3\x9f\\u009b\\u001b\\\"");
    expect(wst_escape_json_loose, SLICE("\xff"), "\xc3\xbf");
    expect(wst_escape_json_loose, SLICE("\xad"), "\\u00ad");
}

/* The fast ways say what the plain ones say, at every length, in exactly the room promised, from
 * memory that ends where the bytes end. */
static void twins(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = random_next(&seed) % 150, json = WST_ESCAPE_JSON_ROOM(n);
        uint8_t *bytes = malloc(n ? n : 1), *fast = malloc(json), *slow = malloc(json);
        struct wst_slice s = {bytes, n};
        size_t fast_n, slow_n;
        random_bytes(&seed, bytes, n);
        fast_n = (size_t)(wst_escape_json_at(fast, s) - fast);
        slow_n = (size_t)(wst_escape_json_scalar(slow, s) - slow);
        assert_int_equal(fast_n, slow_n);
        assert_memory_equal(fast, slow, fast_n);
        expect_safe(fast, fast_n);
        assert_int_equal(wst_escape_json_narrow(fast, s) - fast, slow_n);
        assert_memory_equal(fast, slow, slow_n);
        fast = realloc(fast, WST_ESCAPE_BASE64_ROOM(n) + 1);
        slow = realloc(slow, WST_ESCAPE_BASE64_ROOM(n) + 1);
        fast_n = (size_t)(wst_escape_base64_at(fast, s) - fast);
        slow_n = (size_t)(wst_escape_base64_scalar(slow, s) - slow);
        assert_int_equal(fast_n, WST_ESCAPE_BASE64_ROOM(n));
        assert_int_equal(slow_n, fast_n);
        assert_memory_equal(fast, slow, fast_n);
        free(bytes);
        free(fast);
        free(slow);
    }
}

/* Puts the character c at p; returns the place after. */
static uint8_t *put_char(uint8_t *p, uint32_t c)
{
    if (c < 0x80) {
        *p++ = (uint8_t)c;
        return p;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *p++ = (uint8_t)((more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0) | c >> 6 * more);
    while (more--) *p++ = (uint8_t)(0x80 | (c >> 6 * more & 0x3f));
    return p;
}

/* `text` as it is known to be valid, against the plain twin. */
static void expect_as_plain(const uint8_t *text, size_t n)
{
    uint8_t *bytes = malloc(n), *slow = malloc(WST_ESCAPE_JSON_ROOM(n) + 1);
    struct wst_slice s = {bytes, n}; /* its own allocation: a sanitizer sees its end */
    memcpy(bytes, text, n);
    *wst_escape_json_scalar(slow, s) = '\0';
    expect(wst_escape_json_utf8, s, (const char *)slow);
    expect(wst_escape_json, s, (const char *)slow);
    free(bytes);
    free(slow);
}

/* Whole blocks of 64 are taken at once, up to a byte that becomes more than two, or may. */
static void blocks_of_64(void **state)
{
    static const char two[] = "\"\\\b\t\n\f\r";
    static const uint32_t odd[] = {1,       0x7f,   0x1f,   0xe9, 0x8a9e,
                                   0x1f600, 0x2019, 0x202e, 0x85, 0xad};
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 6000; round++) {
        uint8_t text[700], *at = text;
        size_t n = random_next(&seed) % 690;
        unsigned dense = 1 + (unsigned)(random_next(&seed) % 40),
                 seldom = 20 + (unsigned)(random_next(&seed) % 400);
        while (at < text + n)
            at = random_next(&seed) % seldom == 0
                     ? put_char(at, odd[random_next(&seed) % ARRAY(odd)])
                     : put_char(at, random_next(&seed) % dense
                                        ? 0x20 + (uint32_t)(random_next(&seed) % 0x5f)
                                        : (uint8_t)two[random_next(&seed) % (sizeof two - 1)]);
        if (at != text) expect_as_plain(text, (size_t)(at - text));
        if (n > 10) text[n / 2] = (uint8_t)(0x80 | random_next(&seed) % 128); /* no UTF-8 */
        uint8_t *fast = malloc(WST_ESCAPE_JSON_ROOM(n)), *slow = malloc(WST_ESCAPE_JSON_ROOM(n));
        uint8_t *bytes = malloc(n ? n : 1);
        struct wst_slice s = {memcpy(bytes, text, n), n};
        size_t fast_n = (size_t)(wst_escape_json_at(fast, s) - fast);
        assert_int_equal(fast_n, wst_escape_json_scalar(slow, s) - slow);
        assert_memory_equal(fast, slow, fast_n);
        fast_n = (size_t)(wst_escape_base64_at(fast, s) - fast);
        assert_int_equal(fast_n, wst_escape_base64_scalar(slow, s) - slow);
        assert_memory_equal(fast, slow, fast_n);
        free(bytes);
        free(fast);
        free(slow);
    }
}

/* Whether a character is hidden is told from its first bytes, wherever in a block it lies. All of
 * those near hidden ones, and some of the others. */
static void characters_known_to_be_valid(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0xe1000;) {
        uint8_t text[80];
        size_t at = c % 41;
        memset(text, 'x', sizeof text);
        uint8_t *end = put_char(text + at, c);
        expect_as_plain(text, c & 1 ? sizeof text : (size_t)(end - text) + c % 3);
        bool near = c < 0x700 || c >> 8 == 0x18 || c >> 8 == 0x20 || c >> 8 == 0xfe ||
                    c >> 8 == 0xff || c >> 8 == 0x1bc || c >> 8 == 0x1d1 || c >> 8 == 0xe00;
        c += near ? 1 : 61;
        if (c >= 0xd800 && c <= 0xdfff) c = 0xe000;
    }
}

static void mixtures_known_to_be_valid(void **state)
{
    static const uint32_t near[] = {0x80,    0x9f,   0xa0,    0xad,    0xe9,    0x61b,   0x61c,
                                    0x180e,  0x200b, 0x200d,  0x2010,  0x2019,  0x201d,  0x2026,
                                    0x2028,  0x202e, 0x2060,  0x20ac,  0x4e16,  0xfeff,  0xff0c,
                                    0xfffb,  0xfffd, 0x1bca0, 0x1bc9f, 0x1d173, 0x1f600, 0xe0001,
                                    0xe0080, '"',    '\\',    '\n',    0x7f,    1};
    uint64_t seed = 31;
    (void)state;
    for (int round = 0; round < 4000; round++) {
        uint8_t text[200], *at = text;
        size_t n = 1 + random_next(&seed) % 190;
        unsigned dense = 1 + (unsigned)(random_next(&seed) % 30);
        while (at < text + n)
            at = put_char(at, random_next(&seed) % dense ? 'a'
                                                         : near[random_next(&seed) % ARRAY(near)]);
        expect_as_plain(text, (size_t)(at - text));
    }
}

/* Valid text reads back as it was. */
static void json_reads_back(void **state)
{
    uint64_t seed = 99;
    (void)state;
    for (int round = 0; round < 5000; round++) {
        uint8_t bytes[64];
        size_t n = random_next(&seed) % sizeof bytes;
        struct wst_slice s = {bytes, n};
        json_t *value;
        char *text, line[512];
        random_bytes(&seed, bytes, n);
        text = output(wst_escape_json, s);
        snprintf(line, sizeof line, "\"%s\"", text);
        value = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        if (wst_utf8_valid(s)) {
            assert_int_equal(json_string_length(value), n);
            assert_memory_equal(json_string_value(value), bytes, n);
        }
        json_decref(value);
        free(text);
    }
}

static void base64_rows(void **state)
{
    static const struct row rows[] = {/* RFC 4648 section 10, and the ends of the alphabet */
                                      {"", ""},
                                      {"f", "Zg=="},
                                      {"fo", "Zm8="},
                                      {"foo", "Zm9v"},
                                      {"foob", "Zm9vYg=="},
                                      {"fooba", "Zm9vYmE="},
                                      {"foobar", "Zm9vYmFy"},
                                      {"\xff\xff\xff", "////"},
                                      {"\xfb\xef\xbe", "++++"}};
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++)
        expect(wst_escape_base64,
               (struct wst_slice){(const uint8_t *)rows[i].bytes, strlen(rows[i].bytes)},
               rows[i].expected);
}

/* -- quotes --------------------------------------------------------------------------------- */

static void quote_text(struct wst_out *out, struct wst_slice s)
{
    wst_escape_quote(out, s, WST_ESCAPE_TEXT, 0, 0);
}
static void quote_bytes(struct wst_out *out, struct wst_slice s)
{
    wst_escape_quote(out, s, WST_ESCAPE_BYTES, 0, 0);
}
static void quote_four(struct wst_out *out, struct wst_slice s)
{
    wst_escape_quote(out, s, WST_ESCAPE_TEXT, 4, 0);
}
static void quote_four_omitted(struct wst_out *out, struct wst_slice s)
{
    wst_escape_quote(out, s, WST_ESCAPE_TEXT, 4, 100);
}

static void quotes(void **state)
{
    (void)state;
    expect(quote_text, SLICE(""), "\"\"");
    expect(quote_text, SLICE("Hello \"x\" \\ \n\t\r"), "\"Hello \\\"x\\\" \\\\ \\n\\t\\r\"");
    expect(quote_text, SLICE("\x1b[31m\x7f\0"), "\"\\x1b[31m\\x7f\\x00\"");
    expect(quote_text, SLICE("\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80"),
           "\"\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80\"");
    expect(quote_text,
           SLICE("\xc2\x9b"
                 "2J"),
           "\"\\u{9b}2J\"");
    expect(quote_text,
           SLICE("a\xe2\x80\xae"
                 "b\xe2\x81\xa9\xe2\x80\x8b\xef\xbb\xbf"),
           "\"a\\u{202e}b\\u{2069}\\u{200b}\\u{feff}\"");
    expect(quote_text, SLICE("\xf3\xa0\x81\x81"), "\"\\u{0e0041}\"");
    expect(quote_text, SLICE("a\xff\xc3"), "\"a\\xff\\xc3\"");
    expect(quote_bytes,
           SLICE("\x00\x01"
                 "A\xc3\xa9\xff"),
           "\"\\x00\\x01A\\xc3\\xa9\\xff\"");
}

static void quote_cuts(void **state)
{
    (void)state;
    expect(quote_four, SLICE("abcd"), "\"abcd\"");
    expect(quote_four, SLICE("abcde"), "\"abcd\"\xe2\x80\xa6 +1 byte");
    expect(quote_four, SLICE("abc\xc3\xa9xy"), "\"abc\xc3\xa9\"\xe2\x80\xa6 +2 bytes");
    /* Columns, not bytes: an escape takes as many as it has characters, a wide character two. */
    expect(quote_four, SLICE("a\nbc"), "\"a\\nb\"\xe2\x80\xa6 +1 byte");
    expect(quote_four,
           SLICE("\x1b"
                 "a"),
           "\"\\x1b\"\xe2\x80\xa6 +1 byte");
    expect(quote_four, SLICE("a\x1b"), "\"a\"\xe2\x80\xa6 +1 byte");
    expect(quote_four, SLICE("\xe2\x80\xae"), "\"\"\xe2\x80\xa6 +3 bytes");
    expect(quote_four, SLICE("a\xe6\x97\xa5\xe6\x9c\xac"),
           "\"a\xe6\x97\xa5\"\xe2\x80\xa6 +3 bytes");
    expect(quote_four_omitted, SLICE("ab"), "\"ab\"\xe2\x80\xa6 +100 bytes");
    expect(quote_four_omitted, SLICE("abcdef"), "\"abcd\"\xe2\x80\xa6 +102 bytes");
    expect(quote_four_omitted, (struct wst_slice){NULL, 0}, "\"\"\xe2\x80\xa6 +100 bytes");
}

/* The columns of any bytes, against a sum: those at the edges of what is printable, in every place.
 */
static void columns(void **state)
{
    static const uint8_t edges[] = {0x00, '\n', 0x1f, 0x20, '"', '\\', 0x7e, 0x7f, 0x80, 0xff};
    uint32_t x = 99;
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t bytes[20];
        size_t n = round % sizeof bytes, sum = 0;
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = x >> 30 ? 'a' : edges[(x >> 16) % sizeof edges];
            sum += bytes[i] >= 0x20 && bytes[i] < 0x7f ? 1 : bytes[i] == '\n' ? 2 : 4;
        }
        struct wst_slice s = {bytes, n};
        assert_true(wst_escape_fits(s, WST_ESCAPE_BYTES, sum));
        if (sum) assert_false(wst_escape_fits(s, WST_ESCAPE_BYTES, sum - 1));
    }
}

/* What is quoted of the character or byte at `c`, as quote.c's head says; returns the bytes taken.
 * *wide: columns. */
static size_t slow_quote(const uint8_t *c, const uint8_t *end, char *to, size_t *wide)
{
    static const char letters[] = "t\tn\nr\r\"\"\\\\";
    size_t n = wst_utf8_char(c, end);
    uint32_t point = n < 2 ? *c : *c & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) point = point << 6 | (c[i] & 0x3f);
    if (n > 1 && !wst_utf8_hidden(point)) {
        memcpy(to, c, n);
        to[n] = '\0';
        *wide = point < 0x1100 ? 1 : 2;
        return n;
    }
    if (n > 1)
        snprintf(to, 16, point > 0xffff ? "\\u{%06x}" : point > 0xff ? "\\u{%04x}" : "\\u{%02x}",
                 point);
    else if (*c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\')
        snprintf(to, 16, "%c", *c);
    else
        snprintf(to, 16, "\\x%02x", *c);
    for (const char *l = letters; n < 2 && *l; l += 2)
        if ((uint8_t)l[1] == *c) snprintf(to, 16, "\\%c", l[0]);
    *wide = strlen(to) - (*c == '"' || *c == '\\');
    return n ? n : 1;
}

/* The same bytes on both kinds of processors, in the room promised, and as far. */
static void usual_twins(struct wst_slice s)
{
    size_t room = 2 * s.n + 32;
    uint8_t *wide = malloc(room), *narrow = malloc(room);
    const uint8_t *p = s.p, *q = s.p;
    size_t n = (size_t)(wst_escape_usual(wide, &p, s.p + s.n) - wide);
    assert_int_equal(wst_escape_usual_narrow(narrow, &q, s.p + s.n) - narrow, n);
    assert_ptr_equal(p, q);
    assert_memory_equal(wide, narrow, n);
    free(wide);
    free(narrow);
}

/* Texts as people send them, mostly printable, with everything else now and then. */
static void quotes_slowly(void **state)
{
    static const char *const pieces[] = {"\"", "\\", "\t", "\n", "\r", "\b", "\f", "\x1b", "\x7f",
                                         "\xc3\xa9", "\xe6\x97\xa5", "\xe2\x80\xae", "\xc2\x9b",
                                         "\xf0\x9f\x98\x80", "\xf3\xa0\x81\x81", "\xff", "\xe6\x97",
                                         "\xd8\x9c", "\xe1\x84\x80", "\xe1\x83\xbf"};
    uint64_t seed = 11;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[160];
        char expected[2000] = "\"";
        size_t n = 0, want = random_next(&seed) % 150, rare = random_next(&seed) % 40 + 1, sum = 0;
        size_t kinds = round % 2 ? 5 : ARRAY(pieces); /* half of them with nothing but the usual */
        while (n < want) {
            const char *piece = pieces[random_next(&seed) % kinds];
            if (random_next(&seed) % 40 < rare) {
                memcpy(bytes + n, piece, strlen(piece));
                n += strlen(piece);
            } else {
                bytes[n++] = (uint8_t)('A' + random_next(&seed) % 26);
            }
        }
        for (size_t i = 0, wide; i < n; sum += wide)
            i += slow_quote(bytes + i, bytes + n, expected + strlen(expected), &wide);
        strcat(expected, "\"");
        uint8_t *exactly = malloc(n ? n : 1); /* what is read behind the end is seen */
        memcpy(exactly, bytes, n);
        struct wst_slice s = {exactly, n};
        expect(quote_text, s, expected);
        usual_twins(s);
        assert_true(wst_escape_fits(s, WST_ESCAPE_TEXT, sum));
        if (sum) assert_false(wst_escape_fits(s, WST_ESCAPE_TEXT, sum - 1));
        free(exactly);
    }
}

static void plain_and_word(void **state)
{
    (void)state;
    expect(wst_escape_plain, SLICE("say \"hi\"\n\x1b \xe2\x80\xae"),
           "say \"hi\"\\n\\x1b \\u{202e}");
    expect(wst_escape_word, SLICE("/chat?x=1"), "/chat?x=1");
    expect(wst_escape_word, SLICE("a b"), "\"a b\"");
    expect(wst_escape_word, SLICE("a\"b"), "\"a\\\"b\"");
    expect(wst_escape_word, SLICE(""), "\"\"");
    expect(wst_escape_word, SLICE("a\nb"), "a\\nb");
}

static void random_quotes_are_safe(void **state)
{
    uint64_t seed = 3;
    void (*const writers[])(struct wst_out *, struct wst_slice) = {
        quote_text,       quote_bytes,     quote_four,
        wst_escape_plain, wst_escape_word, wst_escape_json_loose};
    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t n = random_next(&seed) % 100;
        uint8_t *bytes = malloc(n ? n : 1);
        random_bytes(&seed, bytes, n);
        for (size_t i = 0; i < ARRAY(writers); i++) {
            char *text = output(writers[i], (struct wst_slice){bytes, n});
            expect_safe((const uint8_t *)text, strlen(text));
            free(text);
        }
        free(bytes);
    }
}

/* -- the output ------------------------------------------------------------------------------ */

/* A payload larger than the buffer leaves in pieces, whole. */
static void large_payloads_stream(void **state)
{
    size_t n = 3 << 20;
    uint8_t *nuls = calloc(n, 1);
    struct sink sink = {.fail_after = -1};
    struct wst_out *out = malloc(sizeof *out);
    (void)state;
    wst_out_init(out, sink_write, &sink);
    wst_escape_json(out, (struct wst_slice){nuls, n});
    assert_int_equal(wst_out_flush(out), 0);
    assert_int_equal(sink.n, 6 * n);
    assert_true(sink.largest <= WST_OUT_SIZE);
    for (size_t i = 0; i < sink.n; i += 6) assert_memory_equal(sink.p + i, "\\u0000", 6);
    sink.n = 0;
    wst_escape_base64(out, (struct wst_slice){nuls, n - 1});
    wst_out_bytes(out, nuls, n);
    assert_int_equal(wst_out_flush(out), 0);
    assert_int_equal(sink.n, n / 3 * 4 + n);
    assert_memory_equal(sink.p + n / 3 * 4 - 2, "A=", 2);
    free(sink.p);
    free(nuls);
    free(out);
}

/* A character on the border of two pieces is not torn. */
static void pieces_do_not_tear_characters(void **state)
{
    (void)state;
    for (size_t before = 8180; before < 8200; before++) {
        uint8_t text[8300];
        char *got;
        memset(text, 'a', sizeof text);
        memcpy(text + before, "\xf0\x9f\x98\x80", 4);
        got = output(wst_escape_json, (struct wst_slice){text, sizeof text});
        assert_memory_equal(got, text, sizeof text);
        free(got);
        got = output(quote_text, (struct wst_slice){text, sizeof text});
        assert_memory_equal(got + 1, text, sizeof text);
        free(got);
    }
}

static void failure_sticks(void **state)
{
    struct sink sink = {.fail_after = 1};
    struct wst_out *out = malloc(sizeof *out);
    (void)state;
    wst_out_init(out, sink_write, &sink);
    wst_out_text(out, "one");
    assert_int_equal(wst_out_flush(out), 0);
    wst_out_text(out, "two");
    assert_int_equal(wst_out_flush(out), -7);
    sink.fail_after = -1;
    wst_out_text(out, "three");
    assert_int_equal(wst_out_flush(out), -7);
    assert_string_equal(sink.p, "one");
    free(sink.p);
    free(out);
}

static void numbers(void **state)
{
    struct sink sink = {.fail_after = -1};
    struct wst_out *out = malloc(sizeof *out);
    char expected[32];
    (void)state;
    wst_out_init(out, sink_write, &sink);
    for (int bits = 0; bits < 64; bits++)
        for (int near = -2; near < 3; near++) {
            uint64_t power = 1, value = ((uint64_t)1 << bits) + (uint64_t)near;
            for (int i = 0; i < bits % 20; i++) power *= 10;
            for (int k = 0; k < 2; k++, value = power + (uint64_t)near) {
                sink.n = 0;
                wst_out_number(out, value);
                wst_out_flush(out);
                snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
                assert_string_equal(sink.p, expected);
            }
        }
    free(sink.p);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_rows),
        cmocka_unit_test(json_loose),
        cmocka_unit_test(twins),
        cmocka_unit_test(characters_known_to_be_valid),
        cmocka_unit_test(mixtures_known_to_be_valid),
        cmocka_unit_test(json_reads_back),
        cmocka_unit_test(blocks_of_64),
        cmocka_unit_test(base64_rows),
        cmocka_unit_test(quotes),
        cmocka_unit_test(quote_cuts),
        cmocka_unit_test(columns),
        cmocka_unit_test(quotes_slowly),
        cmocka_unit_test(plain_and_word),
        cmocka_unit_test(random_quotes_are_safe),
        cmocka_unit_test(large_payloads_stream),
        cmocka_unit_test(pieces_do_not_tear_characters),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
