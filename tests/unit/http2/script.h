/* SPDX-License-Identifier: MIT
 *
 * The bytes of connections from a script: a list of frames.
 *
 *   C preface; C settings; S settings 8=1; C ask 1; S status 1 200; C data.e 1 hello; S fin; end
 *
 *   ask tunnel get N | status N CODE | trailers N | data N TEXT | rst N CODE | settings K=V …
 *   raw TYPE FLAGS STREAM TEXT | text TEXT | lost N | about N | fin          of C or S
 *   framed N (behind a join, there is a frame next)                          of C or S
 *   late | join N (it began before) | wait MILLISECONDS                      of both
 *   held N (what follows came N packets before it is read)                   of both
 *   end | reset | new (a segment) | indexed (from here on, blocks use the table)  of both
 *   with .e END_STREAM .p padded .r priority .c in three pieces .x without its end .i invalid index
 *        .h the text of raw or text is hexadecimal
 */
#ifndef WST_TEST_HTTP2_SCRIPT_H
#define WST_TEST_HTTP2_SCRIPT_H

#include <stdio.h>

#include "guard.h"
#include "http2.h"

enum { SEGMENTS = 4200, SCRIPT_BYTES = 1 << 18 };

enum segment_kind {
    SEG_BYTES,
    SEG_LOST,
    SEG_ABOUT,
    SEG_FIN,
    SEG_END,
    SEG_RESET,
    SEG_LATE,
    SEG_JOIN,
    SEG_FRAMED,
    SEG_WAIT,
    SEG_HELD
};
struct segment {
    enum segment_kind kind;
    enum wst_dir dir;
    size_t at, n; /* in script.bytes; lost bytes; a number */
};

struct script {
    uint8_t bytes[SCRIPT_BYTES];
    size_t n;
    struct segment segments[SEGMENTS];
    size_t segments_n;
    nghttp2_hd_deflater *deflater[2]; /* "indexed" */
    char sent[2][8][4096];            /* DATA of stream 2 i + 1 */
    size_t sent_n[2][8];
    enum wst_dir dir;
    bool anew; /* a segment begins */
    char mods[8];
};

static inline struct segment *script_segment(struct script *s, enum segment_kind kind)
{
    struct segment *last = s->segments_n ? &s->segments[s->segments_n - 1] : NULL;
    bool same = last && last->kind == SEG_BYTES && last->dir == s->dir && !s->anew;
    if (kind == SEG_BYTES && same) return last;
    s->anew = false;
    assert_true(s->segments_n < SEGMENTS);
    s->segments[s->segments_n] = (struct segment){kind, s->dir, s->n, 0};
    return &s->segments[s->segments_n++];
}

static inline void script_bytes(struct script *s, const void *p, size_t n)
{
    assert_true(s->n + n <= sizeof s->bytes);
    script_segment(s, SEG_BYTES)->n += n;
    memcpy(s->bytes + s->n, p, n);
    s->n += n;
}

static inline bool script_mod(const struct script *s, char mod)
{
    return strchr(s->mods, mod) != NULL;
}

static inline void script_frame(struct script *s, unsigned type, unsigned flags, unsigned stream,
                                const void *p, size_t n)
{
    uint8_t head[WST_HTTP2_HEADER] = {
        (uint8_t)(n >> 16),      (uint8_t)(n >> 8),      (uint8_t)n,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    script_bytes(s, head, sizeof head);
    script_bytes(s, p, n);
}

/* A frame that may be padded and have a priority; `lead` bytes are in front of what it carries. */
static inline void script_carrier(struct script *s, unsigned type, unsigned flags, unsigned stream,
                                  const uint8_t *p, size_t n)
{
    static uint8_t payload[SCRIPT_BYTES];
    bool padded = script_mod(s, 'p'), priority = script_mod(s, 'r') && type == 1;
    size_t at = 0;
    if (padded) payload[at++] = 3;
    if (priority) memcpy(payload + at, "\0\0\0\0\x10", 5);
    if (priority) at += 5;
    memcpy(payload + at, p, n);
    at += n;
    if (padded) memcpy(payload + at, "pad", 3);
    if (padded) at += 3;
    script_frame(s, type, flags | (padded ? 8u : 0) | (priority ? 0x20u : 0), stream, payload, at);
}

static inline void script_block(struct script *s, unsigned stream, const uint8_t *p, size_t n)
{
    unsigned flags = script_mod(s, 'e') ? 1 : 0;
    bool unfinished = script_mod(s, 'x');
    if (!script_mod(s, 'c')) {
        script_carrier(s, 1, flags | (unfinished ? 0 : 4), stream, p, n);
        return;
    }
    script_carrier(s, 1, flags, stream, p, n / 3);
    script_frame(s, 9, 0, stream, p + n / 3, n / 3);
    script_frame(s, 9, unfinished ? 0 : 4, stream, p + n / 3 * 2, n - n / 3 * 2);
}

static inline size_t put_literal(uint8_t *to, const char *name, const char *value)
{
    size_t n = 0, name_n = strlen(name), value_n = strlen(value);
    assert_true(name_n < 127 && value_n < 127);
    to[n++] = 0;
    to[n++] = (uint8_t)name_n;
    memcpy(to + n, name, name_n);
    n += name_n;
    to[n++] = (uint8_t)value_n;
    memcpy(to + n, value, value_n);
    return n + value_n;
}

/* Names and values in turn, up to NULL. */
static inline void script_fields(struct script *s, unsigned stream, const char *const *fields)
{
    uint8_t block[1024];
    size_t n = 0;
    if (script_mod(s, 'i')) block[n++] = 0xff; /* a field that was never sent: 127 + 9 */
    if (script_mod(s, 'i')) block[n++] = 9;
    for (; *fields; fields += 2) {
        if (!s->deflater[s->dir]) {
            n += put_literal(block + n, fields[0], fields[1]);
            continue;
        }
        nghttp2_nv nv = {(uint8_t *)(uintptr_t)fields[0], (uint8_t *)(uintptr_t)fields[1],
                         strlen(fields[0]), strlen(fields[1]), 0};
        ssize_t more =
            nghttp2_hd_deflate_hd(s->deflater[s->dir], block + n, sizeof block - n, &nv, 1);
        assert_true(more > 0);
        n += (size_t)more;
    }
    script_block(s, stream, block, n);
}

static inline void script_data(struct script *s, unsigned stream, const char *text)
{
    size_t n = strlen(text), i = stream / 2;
    if (i < 8 && s->sent_n[s->dir][i] + n < 4096) {
        memcpy(s->sent[s->dir][i] + s->sent_n[s->dir][i], text, n);
        s->sent_n[s->dir][i] += n;
    }
    script_carrier(s, 0, script_mod(s, 'e') ? 1 : 0, stream, (const uint8_t *)text, n);
}

static inline void script_settings(struct script *s, char *rest)
{
    uint8_t entries[120];
    size_t n = 0;
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
        unsigned key, value;
        assert_int_equal(sscanf(word, "%u=%u", &key, &value), 2);
        uint8_t entry[6] = {(uint8_t)(key >> 8),    (uint8_t)key,          (uint8_t)(value >> 24),
                            (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        memcpy(entries + n, entry, 6);
        n += 6;
    }
    script_frame(s, 4, 0, 0, entries, n);
}

static inline void script_headers(struct script *s, const char *verb, unsigned stream, char *rest)
{
    const char *ask[] = {":method",
                         "CONNECT",
                         ":protocol",
                         "websocket",
                         ":scheme",
                         "https",
                         ":path",
                         "/chat",
                         ":authority",
                         "h",
                         "origin",
                         "https://h",
                         "sec-websocket-version",
                         "13",
                         NULL};
    const char *tunnel[] = {":method", "CONNECT", ":authority", "h:443", NULL};
    const char *get[] = {":method", "GET",        ":scheme", "https", ":path",
                         "/",       ":authority", "h",       NULL};
    const char *status[] = {":status", rest, "server", "s", NULL};
    const char *trailers[] = {"checksum", "1", NULL};
    script_fields(s, stream,
                  !strcmp(verb, "ask")      ? ask
                  : !strcmp(verb, "tunnel") ? tunnel
                  : !strcmp(verb, "get")    ? get
                  : !strcmp(verb, "status") ? status
                                            : trailers);
}

static inline bool script_mark(struct script *s, const char *verb, char *rest)
{
    if (!strcmp(verb, "fin"))
        script_segment(s, SEG_FIN);
    else if (!strcmp(verb, "end"))
        script_segment(s, SEG_END);
    else if (!strcmp(verb, "new"))
        s->anew = true;
    else if (!strcmp(verb, "reset"))
        script_segment(s, SEG_RESET);
    else if (!strcmp(verb, "lost"))
        script_segment(s, SEG_LOST)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "about"))
        script_segment(s, SEG_ABOUT)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "late"))
        script_segment(s, SEG_LATE);
    else if (!strcmp(verb, "join"))
        script_segment(s, SEG_JOIN)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "framed"))
        script_segment(s, SEG_FRAMED)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "wait"))
        script_segment(s, SEG_WAIT)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "held"))
        script_segment(s, SEG_HELD)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "indexed"))
        for (int d = 0; d < 2; d++)
            assert_int_equal(nghttp2_hd_deflate_new(&s->deflater[d], 4096), 0);
    else
        return false;
    return true;
}

/* The bytes of a text, in its place; how many. */
static inline size_t script_text(const struct script *s, char *text)
{
    size_t n = strlen(text);
    if (!script_mod(s, 'h')) return n;
    for (size_t i = 0; i < n / 2; i++) {
        unsigned byte;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        text[i] = (char)byte;
    }
    return n / 2;
}

static inline void script_verb(struct script *s, const char *verb, char *rest)
{
    unsigned type, flags, stream = 0;
    int at = 0;
    if (script_mark(s, verb, rest)) return;
    if (!strcmp(verb, "preface")) {
        script_bytes(s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    } else if (!strcmp(verb, "settings")) {
        script_settings(s, rest);
    } else if (!strcmp(verb, "ack")) {
        script_frame(s, 4, 1, 0, "", 0);
    } else if (!strcmp(verb, "text")) {
        size_t n = script_text(s, rest);
        script_bytes(s, rest, n);
    } else if (!strcmp(verb, "raw")) {
        assert_int_equal(sscanf(rest, "%u %u %u%n", &type, &flags, &stream, &at), 3);
        if (rest[at] == ' ') at++;
        size_t n = script_text(s, rest + at);
        script_frame(s, type, flags, stream, rest + at, n);
    } else {
        assert_int_equal(sscanf(rest, "%u%n", &stream, &at), 1);
        if (rest[at] == ' ') at++;
        unsigned code = (unsigned)atoi(rest + at);
        uint8_t be[4] = {(uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8),
                         (uint8_t)code};
        if (!strcmp(verb, "data"))
            script_data(s, stream, rest + at);
        else if (!strcmp(verb, "rst"))
            script_frame(s, 3, 0, stream, be, 4);
        else
            script_headers(s, verb, stream, rest + at);
    }
}

static inline void script_line(struct script *s, char *line)
{
    while (*line == ' ') line++;
    if ((line[0] == 'C' || line[0] == 'S') && line[1] == ' ') {
        s->dir = *line == 'C' ? WST_C2S : WST_S2C;
        line += 2;
    }
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = '\0';
    char *mods = strchr(line, '.');
    snprintf(s->mods, sizeof s->mods, "%s", mods ? mods + 1 : "");
    if (mods) *mods = '\0';
    script_verb(s, line, rest);
}

static inline struct script *script_new(const char *text)
{
    struct script *s = calloc(1, sizeof *s);
    char *copy = strdup(text);
    assert_true(s && copy);
    for (char *line = copy, *next; line; line = next) {
        next = strchr(line, ';');
        if (next) *next++ = '\0';
        script_line(s, line);
    }
    free(copy);
    for (int d = 0; d < 2; d++)
        if (s->deflater[d]) nghttp2_hd_deflate_del(s->deflater[d]);
    return s;
}

#endif
