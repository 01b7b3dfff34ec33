/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <stdlib.h>
#include <string.h>

static void make_words(struct content *c, struct wire *w)
{
    static const char *const syllables[] = {
        "ta", "re",  "mo", "lin", "sa", "ver", "do",  "que", "ni", "pa", "cor", "el", "us",
        "ba", "tri", "fe", "gon", "is", "hu",  "zan", "ä",   "ß",  "語", "é",   "ø"};
    enum { PLAIN = 20, ALL = sizeof syllables / sizeof *syllables };
    for (int i = 0; i < CONTENT_WORDS; i++) {
        char *word = c->words[i];
        unsigned n = 1 + wire_below(w, 3);
        *word = '\0';
        while (n--) { /* one syllable in 25 is not ASCII */
            bool plain = wire_below(w, 25) != 0;
            strcat(word,
                   syllables[plain ? wire_below(w, PLAIN) : PLAIN + wire_below(w, ALL - PLAIN)]);
        }
        c->word_n[i] = (uint8_t)strlen(word);
    }
}

/* Frequent words come often: half of all from the first 64, as languages have it. */
static uint32_t pick_word(struct wire *w)
{
    return wire_below(w, 2u << wire_below(w, 12));
}

static void *allocate(size_t n)
{
    void *p = malloc(n);
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void make_blocks(struct content *c, struct wire *w)
{
    enum { SLACK = 256 };
    c->binary = allocate(c->block + 8);
    c->ascii = allocate(c->block + SLACK);
    c->utf8 = allocate(c->block + SLACK);
    for (size_t i = 0; i < c->block; i += 8) {
        uint64_t v = wire_random(w);
        memcpy(c->binary + i, &v, 8);
    }
    for (size_t n = 0; n < c->block;)
        n += (size_t)snprintf((char *)c->ascii + n, SLACK,
                              "{\"id\":%u,\"name\":\"item-%u\",\"v\":[%u,%u.%u,%u],\"ok\":true,"
                              "\"note\":\"plain ascii\\ttext\"},",
                              wire_below(w, 1000000), wire_below(w, 10000), wire_below(w, 100),
                              wire_below(w, 100), wire_below(w, 1000), wire_below(w, 100000));
    for (size_t n = 0; n < c->block;)
        n += (size_t)snprintf((char *)c->utf8 + n, SLACK, "%s %s", c->words[pick_word(w)],
                              wire_below(w, 4) ? "" : "日本語テキスト ");
}

void content_begin(struct content *c, struct wire *w, size_t block)
{
    *c = (struct content){.block = block};
    make_words(c, w);
    if (block) make_blocks(c, w);
}

void content_end(struct content *c)
{
    free(c->binary);
    free(c->ascii);
    free(c->utf8);
}

size_t content_tick(struct wire *w, char *to, uint32_t conn, uint32_t i, size_t want)
{
    size_t n = (size_t)sprintf(
        to, "{\"t\":\"tick\",\"c\":%u,\"i\":%u,\"px\":%u.%02u,\"q\":%u,\"s\":\"", conn, i,
        1000 + wire_below(w, 9000), wire_below(w, 100), wire_below(w, 10000));
    while (n + 2 < want) to[n++] = (char)('A' + wire_below(w, 26));
    to[n++] = '"';
    to[n++] = '}';
    return n;
}

size_t content_chat(const struct content *c, struct wire *w, char *to, uint32_t conn, uint32_t i,
                    size_t want)
{
    static const char *const rooms[] = {"general", "random", "dev", "ops", "support", "déjà-vu"};
    enum { TAIL = 60 }; /* bytes the end takes */
    uint64_t a = wire_random(w), b = wire_random(w);
    size_t n = (size_t)sprintf(
        to,
        "{\"type\":\"message\",\"id\":\"%08x-%04x-4%03x-%04x-%012llx\",\"room\":\"%s\",\"seq\":%u,"
        "\"ts\":%llu,\"user\":{\"id\":%u,\"name\":\"user%u\","
        "\"avatar\":\"https://cdn.example.test/a/%u.png\"},\"text\":\"",
        (unsigned)a, (unsigned)(a >> 32) & 0xffff, (unsigned)(a >> 48) & 0xfff,
        (unsigned)b & 0xffff, (unsigned long long)(b >> 16), rooms[wire_below(w, 6)], i,
        (unsigned long long)(w->now_us / 1000), 1000 + conn * 7 + wire_below(w, 5),
        wire_below(w, 50), wire_below(w, 50));
    while (n + TAIL < want) {
        uint32_t word = pick_word(w);
        memcpy(to + n, c->words[word], c->word_n[word]);
        n += c->word_n[word];
        to[n++] = ' ';
        if (!wire_below(w, 40)) n += (size_t)sprintf(to + n, "\\n");
        if (!wire_below(w, 60)) n += (size_t)sprintf(to + n, "😀");
    }
    return n + (size_t)sprintf(to + n, "\",\"mentions\":[%u],\"edited\":%s}", wire_below(w, 1000),
                               wire_below(w, 4) ? "false" : "true");
}

const uint8_t *content_utf8(const struct content *c, struct wire *w, size_t *n)
{
    const uint8_t *p = c->utf8 + wire_below(w, (uint32_t)(c->block - *n - 8));
    while ((*p & 0xc0) == 0x80) p++;
    while ((p[*n] & 0xc0) == 0x80) --*n;
    return p;
}
