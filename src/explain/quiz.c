/* SPDX-License-Identifier: MIT
 *
 * In: the frames and handshakes of a capture. Out: questions about them, with answers and reasons.
 * Refuses to keep more than a sample: of a long capture every frame has the same chance.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "questions.h"

/* splitmix64: any seed is as good as any other. */
uint64_t wst_quiz_random(struct wst_quiz *q)
{
    uint64_t z = q->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

unsigned wst_quiz_below(struct wst_quiz *q, uint64_t n)
{
    return n ? (unsigned)(wst_quiz_random(q) % n) : 0;
}

/* -- collecting -------------------------------------------------------------------------------- */

static struct wst_quiz_message *open_message(struct wst_quiz *q, uint64_t conn, enum wst_dir dir)
{
    for (unsigned i = 0; i < q->fragmented_n; i++)
        if (q->fragmented[i].open && q->fragmented[i].conn == conn && q->fragmented[i].dir == dir)
            return &q->fragmented[i];
    return NULL;
}

/* Nobody can be asked about a message of which something is missing. */
static void forget_message(struct wst_quiz *q, uint64_t conn, enum wst_dir dir)
{
    struct wst_quiz_message *m = open_message(q, conn, dir);
    if (m) *m = q->fragmented[--q->fragmented_n];
}

static void collect_part(struct wst_quiz *q, const struct wst_event *e,
                         const struct wst_quiz_frame *f)
{
    bool mine = f->header.opcode <= 2, begins = mine && f->header.opcode;
    if (begins) forget_message(q, f->conn, f->dir); /* one was open: a broken rule */
    struct wst_quiz_message *m = open_message(q, f->conn, f->dir);
    if (begins && !f->header.fin && q->fragmented_n < QUIZ_FRAGMENTED) {
        m = &q->fragmented[q->fragmented_n++];
        *m = (struct wst_quiz_message){
            .conn = f->conn, .msg = e->frame.msg, .dir = f->dir, .open = true};
    }
    if (!m) return;
    if (m->n == QUIZ_PARTS) { /* too long to be asked about */
        forget_message(q, f->conn, f->dir);
        return;
    }
    m->parts[m->n++] = (struct wst_quiz_part){f->n, f->header.bytes[0]};
    if (mine && f->header.fin) m->open = false;
}

static void on_frame(void *user, const struct wst_wire_frame *w)
{
    struct wst_quiz *q = user;
    const struct wst_event *e = w->event;
    struct wst_quiz_frame f = {.conn = e->conn, .n = e->frame.n, .dir = e->dir};
    q->last_conn = e->conn;
    q->last_n = e->frame.n;
    if (!w->header.p) {
        forget_message(q, f.conn, f.dir);
        return;
    }
    wst_header_bits(&f.header, w->header.p, w->header.n);
    f.payload_n = w->payload.n < 4 ? (uint8_t)w->payload.n : 4;
    if (f.payload_n) memcpy(f.payload, w->payload.p, f.payload_n);
    f.compressed = (f.header.rsv & 4) && f.header.opcode && f.header.opcode < 3 &&
                   e->conn < QUIZ_CONNS && q->deflate[e->conn];
    collect_part(q, e, &f);
    /* Each of those seen has the same chance to be in the sample. */
    uint64_t place = q->seen < QUIZ_FRAMES ? q->seen : wst_quiz_random(q) % (q->seen + 1);
    q->seen++;
    if (place < QUIZ_FRAMES) q->frames[place] = f;
}

static void on_event(void *user, const struct wst_event *e)
{
    struct wst_quiz *q = user;
    if (e->type == WST_EVENT_CLOSE && e->close.code >= 0 && q->codes_n < QUIZ_CODES &&
        q->last_conn == e->conn) {
        q->codes[q->codes_n].code = e->close.code;
        q->codes[q->codes_n].conn = e->conn;
        q->codes[q->codes_n++].n = q->last_n;
    }
    if (e->type == WST_EVENT_GAP && e->dir != WST_DIR_NONE) forget_message(q, e->conn, e->dir);
    if (e->type != WST_EVENT_HANDSHAKE) return;
    const struct wst_event_handshake *h = &e->handshake;
    if (e->conn < QUIZ_CONNS) q->deflate[e->conn] = h->deflate.agreed;
    uint8_t bytes[32];
    if (h->carrier != WST_CARRIER_HTTP1) return; /* a key would mean nothing there */
    if (h->client_key.n != 24 || q->shakes_n == QUIZ_SHAKES ||
        wst_base64_decode(h->client_key, bytes, sizeof bytes) != 16)
        return;
    struct wst_quiz_shake *s = &q->shakes[q->shakes_n++];
    s->conn = e->conn;
    memcpy(s->key, h->client_key.p, 24);
}

/* -- drawing ----------------------------------------------------------------------------------- */

static bool asked_before(const struct wst_quiz *q, const struct wst_quiz_drawn *d)
{
    for (size_t i = 0; i < q->drawn_n; i++)
        if (!strcmp(q->drawn[i].text, d->text)) return true;
    return false;
}

static bool draw_one(struct wst_quiz *q, unsigned kind, struct wst_quiz_drawn *d)
{
    for (int i = 0; i < QUIZ_TRIES; i++) {
        memset(d, 0, sizeof *d);
        if (wst_quiz_ask(q, kind, d) && !asked_before(q, d)) return true;
    }
    return false;
}

size_t wst_quiz_draw(struct wst_quiz *q, size_t count)
{
    unsigned order[QUIZ_KINDS], misses = 0;
    if (!q->seen && !q->shakes_n) return 0; /* nothing of this capture */
    if (count > QUIZ_QUESTIONS) count = QUIZ_QUESTIONS;
    free(q->drawn);
    q->drawn_n = 0;
    q->drawn = calloc(count ? count : 1, sizeof *q->drawn);
    if (!q->drawn) return 0;
    for (unsigned round = 0; q->drawn_n < count && misses < QUIZ_KINDS; round++) {
        if (round % QUIZ_KINDS == 0) { /* every kind once, in another order each time */
            misses = 0;
            for (unsigned i = 0; i < QUIZ_KINDS; i++) order[i] = i;
            for (unsigned i = QUIZ_KINDS; i-- > 1;) {
                unsigned k = wst_quiz_below(q, i + 1), t = order[i];
                order[i] = order[k];
                order[k] = t;
            }
        }
        struct wst_quiz_drawn *d = &q->drawn[q->drawn_n];
        if (!draw_one(q, order[round % QUIZ_KINDS], d)) {
            misses++;
            continue;
        }
        d->question.text = d->text;
        d->question.answer = d->answer;
        d->question.explanation = d->explanation;
        d->question.accepted = d->accepted;
        q->drawn_n++;
    }
    return q->drawn_n;
}

const struct wst_question *wst_quiz_question(const struct wst_quiz *q, size_t i)
{
    return i < q->drawn_n ? &q->drawn[i].question : NULL;
}

/* Without blanks and "0x"; in small letters, unless it is long: base64 has both on purpose. */
static void plain(const char *text, size_t n, char to[128])
{
    size_t k = 0;
    bool small = n <= 24;
    for (size_t i = 0; i < n && k < 127; i++) {
        bool prefix = text[i] == '0' && i + 1 < n && (text[i + 1] == 'x' || text[i + 1] == 'X');
        if (prefix) i++;
        if (prefix || isspace((unsigned char)text[i])) continue;
        to[k++] = small ? (char)tolower((unsigned char)text[i]) : text[i];
    }
    to[k] = '\0';
}

bool wst_quiz_right(const struct wst_question *question, const char *answer)
{
    char given[128], want[128];
    plain(answer, strlen(answer), given);
    plain(question->answer, strlen(question->answer), want);
    if (!given[0]) return false;
    if (!strcmp(given, want)) return true;
    for (const char *line = question->accepted; *line;) {
        size_t n = strcspn(line, "\n");
        plain(line, n, want);
        if (!strcmp(given, want)) return true;
        line += n + (line[n] == '\n');
    }
    return false;
}

/* -- made, used, let go ------------------------------------------------------------------------ */

struct wst_quiz *wst_quiz_new(uint64_t seed)
{
    struct wst_quiz *q = calloc(1, sizeof *q);
    if (q) q->random = seed;
    return q;
}

struct wst_wire wst_quiz_wire(struct wst_quiz *q)
{
    return (struct wst_wire){.user = q, .frame = on_frame};
}

struct wst_listener wst_quiz_listener(struct wst_quiz *q)
{
    return (struct wst_listener){q, on_event, NULL};
}

void wst_quiz_free(struct wst_quiz *q)
{
    if (!q) return;
    free(q->drawn);
    free(q);
}
