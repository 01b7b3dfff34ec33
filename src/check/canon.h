/* SPDX-License-Identifier: MIT
 *
 * In: payloads and the settings. Out: their canonical text: JSON with sorted names on as few lines
 * as fit, text in quotes with a line for each of its lines, bytes as a hex dump; long ones as a
 * hash. Refuses to let a control or hidden character pass raw.
 *
 * A redacted value is written as 0x01, two hex digits (its rule) and eight (its number in the
 * capture): placeholders of fixed length, replaced by <NAME-n> when the order of all is known. No
 * other 0x01 is ever written.
 */
#ifndef WST_CHECK_CANON_H
#define WST_CHECK_CANON_H

#include "settings.h"

enum {
    WST_CANON_FLAT = 4096, /* bytes of a payload that may take the short way */
    WST_CANON_WIDTH = 100, /* columns of a golden's line, where JSON can be broken */
    WST_CANON_BASE = 4     /* columns before a closing bracket of the outermost value */
};
enum { WST_CANON_MARK = 0x01, WST_CANON_MARK_N = 1 + 2 + 8 };

struct wst_canon {
    const struct wst_check_settings *settings;
    struct wst_ink *ink;   /* where to */
    struct wst_tape tape;  /* the JSON of the payload written last; n == 0: it was none */
    struct wst_slice json; /* what the tape is of: borrowed */
    struct wst_redact_values values;
    struct wst_ink scratch;
    struct wst_buf order; /* members being sorted: a stack */
    struct wst_budget *budget;
    bool redacted; /* what was written since this was cleared holds a placeholder */
    bool failed;   /* out of memory */
};

struct wst_canon_payload {
    struct wst_slice bytes;
    const char *op; /* "text", "binary", "ping" … */
    uint64_t len;   /* as sent */
    bool text;      /* opcode text */
    bool utf8, certain;
};

void wst_canon_init(struct wst_canon *canon, const struct wst_check_settings *settings,
                    struct wst_budget *budget);
void wst_canon_free(struct wst_canon *canon);

/* "json {…}" | "text "…"" | "binary …", behind the indentation and direction that the caller wrote,
 * without the newline at the end. */
void wst_canon_payload(struct wst_canon *canon, const struct wst_canon_payload *payload);
/* flat.c: an object of scalars in canonical form: on one line of `line` bytes, or else a line for
 * each member behind `indent` and two blanks. False: it is something else, or has something about
 * it that needs a second look; nothing was written then. */
bool wst_canon_flat(struct wst_ink *ink, struct wst_slice text, size_t line, unsigned indent);
/* canon_json.c: reads the JSON in a text into canon->tape, what is to be ignored marked; `begins`:
 * where it does. False: there is none. */
bool wst_canon_read_json(struct wst_canon *canon, struct wst_slice text, size_t *begins);
/* Writes what was read on one line, however long; */
void wst_canon_put_flat(struct wst_canon *canon);
/* or on as few lines as fit; the first one began at byte `line` of the ink. */
void wst_canon_put_json(struct wst_canon *canon, size_t line);
/* Where JSON begins in a text: at once, or behind a short prefix. SIZE_MAX: nowhere. */
size_t wst_canon_json_begins(struct wst_slice text);

/* canon.c: "…" with what is to be redacted redacted; not UTF-8: \xff. */
void wst_canon_quoted(struct wst_canon *canon, struct wst_slice text);
/* The same without quotes, for URIs and header values. */
void wst_canon_bare(struct wst_canon *canon, struct wst_slice text);

#endif
