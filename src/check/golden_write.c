/* SPDX-License-Identifier: MIT
 *
 * In: a session, and the golden that it is to replace. Out: the text of a golden.
 * Refuses to change what others wrote in its head.
 */
#include "session.h"

struct writer {
    wst_write_fn write;
    void *user;
    struct wst_ink ink;
    int failed;
};

enum { WRITTEN = 1 << 16 }; /* bytes at a time */

static void flush(struct writer *w)
{
    if (w->ink.failed && w->failed == 0) w->failed = -1;
    if (w->failed == 0 && w->ink.buf.n) w->failed = w->write(w->user, w->ink.buf.p, w->ink.buf.n);
    w->ink.buf.n = 0;
}

#define LACKS "# Bytes are missing from the capture"

#define SAID "# What was said in "
#define SAID_END ": > by the client, < by the server.\n"
#define OPENED "# Read from TLS: "

/* Behind the first line, and only as long as it is true. */
static void write_lacks(struct writer *w, const struct wst_session *s)
{
    if (s->gaps)
        wst_ink_format(&w->ink, LACKS " (%llu gap%s), and what they held is missing here, too.\n",
                       (unsigned long long)s->gaps, s->gaps == 1 ? "" : "s");
}

/* Likewise. Whose keys is not for others to read. */
static void write_opened(struct writer *w, const struct wst_session *s)
{
    if (s->opened)
        wst_ink_text(&w->ink, OPENED "a capture without keys in it is checked with --keylog.\n");
}

/* Without folders: the same golden wherever somebody keeps the captures. */
static void write_said(struct writer *w, const char *source)
{
    const char *slash = strrchr(source, '/');

    if (strcmp(source, "-") == 0) source = "standard input";
    wst_ink_text(&w->ink, SAID);
    wst_ink_safe(&w->ink, wst_slice_text(slash ? slash + 1 : source));
    wst_ink_text(&w->ink, SAID_END);
}

/* The bytes of the first line, its newline with it. */
static size_t line_of(struct wst_slice text)
{
    const uint8_t *end = text.n ? memchr(text.p, '\n', text.n) : NULL;

    return end ? (size_t)(end - text.p) + 1 : text.n;
}

static void write_filter(struct writer *w, const char *filter)
{
    if (filter == NULL) return;
    wst_ink_text(&w->ink, "filter ");
    wst_ink_text(&w->ink, filter);
    wst_ink_byte(&w->ink, '\n');
}

/* The head of a golden once more, with what is true now. Another filter stands where the one before
 * did, or in front of all settings. */
static void write_old_head(struct writer *w, const struct wst_session *s,
                           const struct wst_session *old, const char *source)
{
    struct wst_slice head = old->head;
    bool in_place = memmem(head.p, head.n, "\nfilter ", strlen("\nfilter ")) != NULL;
    bool placed = !old->refiltered;
    size_t n = line_of(head);

    wst_ink_bytes(&w->ink, wst_slice_head(head, n));
    write_lacks(w, s);
    write_opened(w, s);
    for (head = wst_slice_skip(head, n); head.n; head = wst_slice_skip(head, n)) {
        struct wst_slice line = wst_slice_head(head, n = line_of(head));
        if (wst_slice_starts(line, LACKS) || wst_slice_starts(line, OPENED)) continue;
        if (!placed && (in_place ? wst_slice_starts(line, "filter ") : line.p[0] != '#')) {
            write_filter(w, old->settings->filter);
            placed = true;
            if (in_place) continue;
        }
        if (wst_slice_starts(line, SAID) && memmem(line.p, line.n, SAID_END, strlen(SAID_END)))
            write_said(w, source);
        else
            wst_ink_bytes(&w->ink, line);
    }
    if (!placed) write_filter(w, old->settings->filter);
}

static void write_head(struct writer *w, const struct wst_session *s, const char *source)
{
    wst_ink_text(&w->ink, WST_GOLDEN_FIRST_LINE "\n");
    write_lacks(w, s);
    write_opened(w, s);
    wst_ink_text(&w->ink, "#\n");
    write_said(w, source);
    wst_ink_text(&w->ink,
                 "# Without times, packets, ports, keys, fragmentation and compression.\n");
    wst_ink_text(&w->ink,
                 s->settings->strict_order
                     ? "# The order is the capture's.\n"
                     : "# Each side's order counts; between the sides only that an answer stands "
                       "behind what it answers.\n");
    wst_ink_text(&w->ink,
                 "#\n#     wstrace check CAPTURE GOLDEN            holds a capture against it\n"
                 "#     wstrace check --update CAPTURE GOLDEN   renews it, and keeps these "
                 "lines\n#\n");
    wst_settings_write(s->settings, &w->ink);
    wst_ink_byte(&w->ink, '\n');
}

int wst_golden_write(struct wst_session *s, const struct wst_session *old, const char *source,
                     wst_write_fn write, void *user)
{
    struct writer w = {.write = write, .user = user, .ink = {.budget = &s->budget}};

    if (old)
        write_old_head(&w, s, old, source);
    else
        write_head(&w, s, source);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct wst_connection *c = s->connections[i];
        if (i) wst_ink_byte(&w.ink, '\n');
        for (uint32_t k = 0; k < c->n; k++) {
            wst_ink_bytes(&w.ink, wst_item_text(wst_connection_ahead(c, k)));
            if (w.ink.buf.n >= WRITTEN) flush(&w);
        }
    }
    flush(&w);
    wst_ink_free(&w.ink);
    return w.failed;
}
