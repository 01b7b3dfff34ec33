/* SPDX-License-Identifier: MIT
 *
 * In: a protocol's words. Out: a wst_app_said. Refuses more than there is room for: packets are
 * counted then.
 */
#include "say.h"

#include "dir.h"
#include "slice.h"
#include "utf8.h"

void wst_say_next(struct wst_say *say)
{
    say->json.text = (struct wst_slice){NULL, 0};
}

void wst_say_begin(struct wst_say *say, const struct wst_event *event, struct wst_asks *asks,
                   struct wst_app_total *total)
{
    say->event = event;
    say->asks = asks;
    say->total = total;
    say->said =
        (struct wst_app_said){.app = total ? total->app : WST_APP_NONE, .packets = say->packets};
    say->packet = NULL;
    say->fields_n = say->scratch_n = 0;
}

void wst_say_packet(struct wst_say *say, const char *name)
{
    if (say->total) say->total->dir[say->event->dir].packets++;
    if (say->said.packets_n == WST_SAY_PACKETS || say->said.omitted) {
        say->packet = NULL;
        say->said.omitted++;
        return;
    }
    say->packet = &say->packets[say->said.packets_n++];
    *say->packet = (struct wst_app_packet){.name = wst_slice_text(name),
                                           .fields = say->fields + say->fields_n};
}

/* -- fields ------------------------------------------------------------------------------------ */

/* Without one of its fields it would be another: a flag that is not there is not set. */
static void leave_out(struct wst_say *say)
{
    say->fields_n -= say->packet->fields_n;
    say->said.packets_n--;
    say->said.omitted++;
    say->packet = NULL;
}

static void field(struct wst_say *say, const char *name, struct wst_app_value value)
{
    if (say->packet && say->fields_n == WST_SAY_FIELDS) leave_out(say);
    if (!say->packet) return;
    say->fields[say->fields_n++] = (struct wst_app_field){name, value};
    say->packet->fields_n++;
}

static struct wst_app_value slice_value(enum wst_app_kind kind, struct wst_slice s)
{
    return (struct wst_app_value){.kind = s.p ? kind : WST_APP_NOTHING, .slice = s};
}

static enum wst_app_kind text_or_bytes(struct wst_slice s)
{
    return wst_utf8_valid(s) ? WST_APP_TEXT : WST_APP_BYTES;
}

void wst_say_text(struct wst_say *say, const char *name, struct wst_slice s)
{
    if (s.p) field(say, name, slice_value(text_or_bytes(s), s));
}

void wst_say_bytes(struct wst_say *say, const char *name, struct wst_slice s)
{
    if (s.p) field(say, name, slice_value(WST_APP_BYTES, s));
}

void wst_say_json(struct wst_say *say, const char *name, struct wst_slice s)
{
    if (s.p) field(say, name, slice_value(WST_APP_JSON, s));
}

void wst_say_number(struct wst_say *say, const char *name, int64_t value)
{
    field(say, name, (struct wst_app_value){.kind = WST_APP_NUMBER, .number = value});
}

void wst_say_flag(struct wst_say *say, const char *name, bool value)
{
    field(say, name, (struct wst_app_value){.kind = WST_APP_FLAG, .flag = value});
}

void wst_say_word(struct wst_say *say, const char *name, const char *word)
{
    field(say, name, slice_value(WST_APP_TEXT, wst_slice_text(word)));
}

/* -- the packet -------------------------------------------------------------------------------- */

static void body(struct wst_say *say, enum wst_app_kind kind, struct wst_slice s, uint64_t omitted)
{
    if (!say->packet) return;
    say->packet->body = slice_value(kind, s);
    say->packet->body_omitted = omitted;
}

void wst_say_body(struct wst_say *say, struct wst_slice s, uint64_t omitted)
{
    size_t whole = omitted && say->packet ? wst_utf8_front(s) : s.n;
    if (s.n - whole > 3) whole = s.n; /* it is not text */
    omitted += s.n - whole;
    s = wst_slice_head(s, whole);
    body(say, text_or_bytes(s), s, omitted);
}

void wst_say_body_bytes(struct wst_say *say, struct wst_slice s, uint64_t omitted)
{
    body(say, WST_APP_BYTES, s, omitted);
}

void wst_say_body_json(struct wst_say *say, struct wst_slice s)
{
    body(say, WST_APP_JSON, s, 0);
}

void wst_say_error(struct wst_say *say)
{
    if (say->total) say->total->dir[say->event->dir].errors++;
    if (say->packet) say->packet->error = true;
}

void wst_say_began(struct wst_say *say, uint64_t msg)
{
    if (say->packet && msg != say->event->message.msg) say->packet->first_msg = msg;
}

static void asks(struct wst_say *say, uint8_t space, struct wst_slice id, bool may)
{
    const struct wst_event *e = say->event;
    struct wst_ask ask = {wst_asks_id(space, id), e->message.msg, e->when.ns, may, false};
    if (!say->asks) return;
    if (id.n > 0) ask.twin = wst_asks_twins(&say->asks[e->dir], ask.id);
    if (say->total && !may) say->total->dir[e->dir].asked++;
    wst_asks_put(&say->asks[e->dir], say->budget, &ask);
}

void wst_say_asks(struct wst_say *say, uint8_t space, struct wst_slice id)
{
    asks(say, space, id, false);
}

void wst_say_asks_once(struct wst_say *say, uint8_t space, struct wst_slice id)
{
    if (say->asks && wst_asks_has(&say->asks[say->event->dir], wst_asks_id(space, id))) return;
    asks(say, space, id, false);
}

void wst_say_unheard(struct wst_say *say)
{
    wst_say_missed(say);
    if (say->asks) wst_asks_free(&say->asks[wst_dir_other(say->event->dir)], say->budget);
}

void wst_say_may_ask(struct wst_say *say, uint8_t space, struct wst_slice id)
{
    asks(say, space, id, true);
}

void wst_say_takes_back(struct wst_say *say, uint8_t space, struct wst_slice id)
{
    enum wst_dir dir = say->event->dir;
    struct wst_ask ask;
    while (say->asks && wst_asks_take(&say->asks[dir], wst_asks_id(space, id), &ask))
        if (say->total && !ask.may) say->total->dir[dir].asked--;
}

void wst_say_anew(struct wst_say *say)
{
    for (int d = 0; d < 2 && say->asks; d++) wst_asks_clear(&say->asks[d]);
}

/* Clocks of two taps may differ: an answer is not told to have come before its question. */
static int64_t since(int64_t then, int64_t now)
{
    int64_t after;
    return now > then && !__builtin_sub_overflow(now, then, &after) ? after : 0;
}

void wst_say_answers(struct wst_say *say, uint8_t space, struct wst_slice id)
{
    const struct wst_event *e = say->event;
    enum wst_dir asker = wst_dir_other(e->dir);
    struct wst_ask ask;
    if (!say->asks || !wst_asks_take(&say->asks[asker], wst_asks_id(space, id), &ask)) return;
    int64_t after = since(ask.ns, e->when.ns);
    if (say->packet && !ask.twin) {
        say->packet->answers = ask.msg;
        say->packet->after_ns = after;
    }
    if (!say->total) return;
    struct wst_app_side *side = &say->total->dir[asker];
    if (ask.may) side->asked++;
    side->answered++;
    if (ask.twin || (side->slowest_msg && after <= side->slowest_ns)) return;
    side->slowest_ns = after;
    side->slowest_msg = ask.msg;
}

void wst_say_strange(struct wst_say *say)
{
    say->said.strange = true;
}

void wst_say_unfinished(struct wst_say *say)
{
    say->said.unfinished = true;
}

void wst_say_without(struct wst_say *say)
{
    say->said.unread = true;
}

void wst_say_missed(struct wst_say *say)
{
    wst_say_without(say);
    if (say->total) say->total->certain = false;
}

void wst_say_unread(struct wst_say *say)
{
    if (!say->json.tape.full)
        wst_say_strange(say);
    else
        wst_say_missed(say);
}

void wst_say_app(struct wst_say *say, enum wst_app app)
{
    say->said.app = app;
    if (say->total) say->total->app = app;
}

uint8_t *wst_say_scratch(struct wst_say *say, size_t n)
{
    if (n > WST_SAY_SCRATCH - say->scratch_n) {
        wst_say_without(say);
        return NULL;
    }
    say->scratch_n += n;
    return say->scratch + say->scratch_n - n;
}

/* -- strings of JSON --------------------------------------------------------------------------- */

static uint32_t four_digits(const uint8_t *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

/* At a backslash; leaves *s behind what it says. 0x110000: no character. */
static uint32_t meant(struct wst_slice *s)
{
    static const char letters[] = "bfnrt";
    static const char controls[] = "\b\f\n\r\t";
    uint8_t c = s->p[1];
    const char *letter = memchr(letters, c, sizeof letters - 1);
    if (c != 'u') {
        *s = wst_slice_skip(*s, 2);
        return letter ? (uint8_t)controls[letter - letters] : c;
    }
    uint32_t high = four_digits(s->p + 2);
    *s = wst_slice_skip(*s, 6);
    if (high < 0xd800 || high >= 0xe000) return high;
    if (high >= 0xdc00 || s->n < 6 || s->p[0] != '\\' || s->p[1] != 'u') return 0x110000;
    uint32_t low = four_digits(s->p + 2);
    if (low < 0xdc00 || low >= 0xe000) return 0x110000;
    *s = wst_slice_skip(*s, 6);
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static uint8_t *put_character(uint8_t *at, uint32_t c)
{
    if (c < 0x80) {
        *at++ = (uint8_t)c;
        return at;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *at++ = (uint8_t)((0x780u >> more) | c >> (6 * more));
    while (more-- > 0) *at++ = (uint8_t)(0x80 | (c >> (6 * more) & 0x3f));
    return at;
}

struct wst_slice wst_say_meant(struct wst_say *say, struct wst_slice inside)
{
    if (!inside.p || !memchr(inside.p, '\\', inside.n)) return inside;
    uint8_t *from = wst_say_scratch(say, inside.n), *at = from; /* it never becomes longer */
    if (!from) return wst_slice_of(NULL, 0);
    while (inside.n > 0) {
        if (inside.p[0] != '\\') {
            *at++ = inside.p[0];
            inside = wst_slice_skip(inside, 1);
            continue;
        }
        uint32_t c = meant(&inside);
        if (c >= 0x110000) return wst_slice_of(NULL, 0);
        at = put_character(at, c);
    }
    return wst_slice_of(from, (size_t)(at - from));
}

const struct wst_tape_node *wst_say_read(struct wst_say *say, struct wst_slice text)
{
    /* Several protocols may ask whether it is theirs. */
    if (text.p && text.p == say->json.text.p && text.n == say->json.text.n) return say->read;
    say->json.tape.full = false;
    say->read = wst_json_text_read(&say->json, say->budget, text);
    return say->read;
}
