/* SPDX-License-Identifier: MIT
 *
 * In: the bits of one frame. Out: the figure of RFC 6455 section 5.2 as this frame fills it: the
 * fields it has, in the places where they are, 32 bits a row, 66 columns wide, the row's bytes as
 * hex beside it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "subject.h"

enum {
    ROW = 32,         /* bits */
    PAYLOAD_ROWS = 2, /* of payload alone; what follows is counted */
    CELLS = 10,
};

struct cell {          /* a field, or the part of it that lies in one row */
    unsigned from, to; /* bits of the row */
    enum wst_ink ink;
    const char *label[4];
};

struct grid {
    struct wst_paper *p;
    const struct wst_header_bits *h;
    struct wst_slice payload;
    unsigned bits;      /* that are drawn */
    bool edge[ROW + 1]; /* borders of the row above */
    unsigned above;     /* how far the row above goes */
};

static unsigned key_bit(const struct wst_header_bits *h)
{
    return 16 + h->extended;
}

enum wst_ink wst_bit_ink(const struct wst_header_bits *h, unsigned bit)
{
    if (bit == 0) return WST_INK_FIN;
    if (bit < 4) return WST_INK_RSV;
    if (bit < 8) return WST_INK_OPCODE;
    if (bit == 8) return WST_INK_MASK;
    if (bit < 16) return WST_INK_LENGTH;
    if (bit < key_bit(h)) return WST_INK_EXTENDED;
    if (h->masked && bit < key_bit(h) + 32) return WST_INK_KEY;
    return WST_INK_PAYLOAD;
}

static unsigned bit_at(const struct grid *g, unsigned bit)
{
    unsigned byte = bit / 8;
    uint8_t b = byte < g->h->have ? g->h->bytes[byte] : g->payload.p[byte - g->h->have];
    return b >> (7 - bit % 8) & 1;
}

static unsigned field_end(const struct grid *g, unsigned bit)
{
    static const unsigned ends[] = {1, 2, 3, 4, 8, 9, 16};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (bit < ends[i]) return ends[i];
    if (bit < key_bit(g->h)) return key_bit(g->h);
    if (g->h->masked && bit < key_bit(g->h) + 32) return key_bit(g->h) + 32;
    return UINT32_MAX;
}

/* The words of the RFC's figure, where they fit. */
static void cell_words(const struct grid *g, struct cell *c, unsigned bit)
{
    static const char *const first[][4] = {
        {"F", "I", "N", ""},
        {"R", "S", "V", "1"},
        {"R", "S", "V", "2"},
        {"R", "S", "V", "3"},
        {"opcode", "(4)", "", ""},
        {"M", "A", "S", "K"},
        {"Payload len", "(7)", "", ""},
    };
    static const unsigned begins[] = {0, 1, 2, 3, 4, 8, 9};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (bit == begins[i]) {
            memcpy(c->label, first[i], sizeof c->label);
            return;
        }
    bool goes_on = bit != 16 && bit != key_bit(g->h) && bit != key_bit(g->h) + 32;
    bool wide = c->to - c->from > 16;
    if (c->ink == WST_INK_EXTENDED) {
        c->label[0] = !goes_on ? "Extended payload length"
                      : wide   ? "Extended payload length continued"
                               : "Extended length continued";
        c->label[1] = goes_on ? "" : g->h->extended == 16 ? "(16)" : "(64)";
        c->label[2] = goes_on                ? ""
                      : g->h->extended == 16 ? "(payload len == 126)"
                                             : "(payload len == 127)";
    } else if (c->ink == WST_INK_KEY) {
        goes_on = bit != key_bit(g->h);
        c->label[0] = goes_on ? "Masking-key (continued)" : "Masking-key";
        c->label[1] = goes_on ? "" : "(MASK is 1)";
    } else {
        goes_on = bit != 8 * g->h->need;
        c->label[0] = c->to - c->from == 8 ? "Payload"
                      : !goes_on           ? "Payload Data"
                      : wide               ? "Payload Data continued"
                                           : "Payload continued";
    }
}

static unsigned cells_of_row(const struct grid *g, unsigned row, struct cell cells[CELLS])
{
    unsigned n = 0, begin = row * ROW, end = begin + ROW < g->bits ? begin + ROW : g->bits;
    for (unsigned bit = begin; bit < end && n < CELLS; n++) {
        unsigned to = field_end(g, bit);
        if (to > end) to = end;
        cells[n] = (struct cell){.from = bit - begin,
                                 .to = to - begin,
                                 .ink = wst_bit_ink(g->h, bit),
                                 .label = {"", "", "", ""}};
        cell_words(g, &cells[n], bit);
        bit = to;
    }
    return n;
}

/* A line between rows: a corner wherever a field ends above or below. */
static void draw_border(struct grid *g, const struct cell *cells, unsigned n)
{
    char line[2 * ROW + 2];
    bool edge[ROW + 1] = {false};
    unsigned to = n ? cells[n - 1].to : 0, far = to > g->above ? to : g->above;
    for (unsigned i = 0; i < n; i++) edge[cells[i].from] = edge[cells[i].to] = true;
    for (unsigned i = 0; i <= far; i++) {
        line[2 * i] = edge[i] || g->edge[i] ? '+' : '-';
        line[2 * i + 1] = '-';
    }
    line[2 * far + 1] = '\0';
    memcpy(g->edge, edge, sizeof edge);
    g->above = to;
    wst_paper_put(g->p, WST_INK_DIM, " %s\n", line);
}

static void draw_label(struct grid *g, const struct cell *c, const char *text)
{
    int room = (int)(2 * (c->to - c->from)) - 1, n = (int)strlen(text);
    if (n > room) n = 0;
    int left = (room - n) / 2;
    wst_paper_put(g->p, WST_INK_NONE, "%*s", left, "");
    wst_paper_put(g->p, c->ink, "%.*s", n, text);
    wst_paper_put(g->p, WST_INK_NONE, "%*s", room - n - left, "");
    wst_paper_put(g->p, WST_INK_DIM, "|");
}

static void draw_words(struct grid *g, const struct cell *cells, unsigned n)
{
    for (unsigned line = 0; line < 4; line++) {
        bool any = line == 0;
        for (unsigned i = 0; i < n; i++) any = any || cells[i].label[line][0];
        if (!any) return;
        wst_paper_put(g->p, WST_INK_DIM, " |");
        for (unsigned i = 0; i < n; i++) draw_label(g, &cells[i], cells[i].label[line]);
        wst_paper_put(g->p, WST_INK_NONE, "\n");
    }
}

/* The bits, and at the right margin the bytes they make. */
static void draw_bits(struct grid *g, unsigned row, const struct cell *cells, unsigned n)
{
    unsigned end = cells[n - 1].to;
    wst_paper_put(g->p, WST_INK_DIM, " |");
    for (unsigned i = 0; i < n; i++) {
        char bits[2 * ROW], *to = bits;
        for (unsigned b = cells[i].from; b < cells[i].to; b++) {
            if (b > cells[i].from) *to++ = ' ';
            *to++ = (char)('0' + bit_at(g, row * ROW + b));
        }
        *to = '\0';
        wst_paper_put(g->p, cells[i].ink, "%s", bits);
        wst_paper_put(g->p, WST_INK_DIM, "|");
    }
    wst_paper_put(g->p, WST_INK_NONE, "%*s", (int)(2 * (ROW - end)) + 1, "");
    for (unsigned b = 0; b < end; b += 8) {
        unsigned byte = 0;
        for (unsigned i = 0; i < 8; i++) byte = byte << 1 | bit_at(g, row * ROW + b + i);
        wst_paper_put(g->p, wst_bit_ink(g->h, row * ROW + b), " %02x", byte);
    }
    wst_paper_put(g->p, WST_INK_NONE, "\n");
}

/* What is not drawn: between borders that are open, as the RFC draws what has no fixed length. */
static void draw_rest(struct grid *g, uint64_t left)
{
    char words[64];
    int n = snprintf(words, sizeof words, "Payload Data continued: %" PRIu64 " more byte%s", left,
                     left == 1 ? "" : "s");
    int before = (63 - n) / 2;
    wst_paper_put(g->p, WST_INK_DIM, " :");
    wst_paper_put(g->p, WST_INK_PAYLOAD, "%*s%s%*s", before, "", words, 63 - n - before, "");
    wst_paper_put(g->p, WST_INK_DIM,
                  ":\n +- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -+\n");
}

void wst_grid_draw(struct wst_paper *p, const struct wst_subject *s)
{
    struct grid g = {.p = p, .h = &s->header, .payload = s->payload};
    struct cell cells[CELLS];
    uint64_t whole = 8 * ((uint64_t)s->header.have + s->payload.n);
    unsigned most = (8 * s->header.have + ROW - 1) / ROW * ROW + PAYLOAD_ROWS * ROW;
    g.bits = whole < most ? (unsigned)whole : most;
    if (p->json || s->header.have < 2) return;
    wst_paper_put(p, WST_INK_DIM,
                  "  0                   1                   2                   3\n"
                  "  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n");
    for (unsigned row = 0; row * ROW < g.bits; row++) {
        unsigned n = cells_of_row(&g, row, cells);
        draw_border(&g, cells, n);
        draw_words(&g, cells, n);
        draw_bits(&g, row, cells, n);
    }
    draw_border(&g, NULL, 0);
    if (whole > g.bits) draw_rest(&g, (whole - g.bits) / 8);
}
