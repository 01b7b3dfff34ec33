/* SPDX-License-Identifier: MIT
 *
 * In: a stranger's bytes. Out: text that is safe to show: valid UTF-8 whatever came in, no control
 * character, nothing a terminal would obey, nothing that hides or reorders what stands beside it.
 *
 *     wst_escape_json…   the inside of a JSON string (RFC 8259)
 *     wst_escape_base64  RFC 4648 section 4, padded
 *
 * For people: render/quote.h.
 *
 * Payloads of any size stream through the output buffer in pieces.
 */
#ifndef WST_BASE_ESCAPE_H
#define WST_BASE_ESCAPE_H

#include "outlet.h"

/* -- JSON ----------------------------------------------------------------------------------- */

/* Room that wst_escape_json_at needs for n bytes: \u0000 is six, and stores are 32 wide, or 64 while
 * there are 64 bytes left. */
#define WST_ESCAPE_JSON_ROOM(n) (6 * (n) + 32)

/* The inside of a JSON string; quotes are the caller's. What would be hidden is written \u00xx,
 * which reads back as the same character. A byte that is not UTF-8 becomes \ufffd. Returns the
 * place after. The second is the plain twin that the first is tested against, the third what the
 * first is on an older processor. */
uint8_t *wst_escape_json_at(uint8_t *at, struct wst_slice s);
uint8_t *wst_escape_json_scalar(uint8_t *at, struct wst_slice s);
uint8_t *wst_escape_json_narrow(uint8_t *at, struct wst_slice s);
void wst_escape_json(struct wst_out *out, struct wst_slice s);
/* The same for what was judged before: payloads of which the event says so. */
void wst_escape_json_utf8(struct wst_out *out, struct wst_slice s);

/* For header values, URIs, file names: as UTF-8 when they are, else byte for byte as Latin-1, which
 * is what HTTP meant by them (RFC 9110 section 5.5) and loses nothing. */
void wst_escape_json_loose(struct wst_out *out, struct wst_slice s);
/* `key` as it is (`,"host":`), then a string as by wst_escape_json_loose in its quotation marks, or
 * null when it has no address. */
void wst_escape_json_member(struct wst_out *out, const char *key, struct wst_slice value);

/* A value that is JSON and UTF-8 already, as it is, but on one line, and what would be hidden
 * written \u00xx. */
void wst_escape_json_value(struct wst_out *out, struct wst_slice json);

/* What JSON and quotes write alike: printable ASCII, '\' before '"' and itself, \t \n \r. Goes on
 * from *p, 32 bytes at a time, while there is nothing else; *p is left where it stopped, perhaps
 * where it was. Room: 64 bytes for 32, and 32 more. Returns the place after. */
uint8_t *wst_escape_usual(uint8_t *at, const uint8_t **p, const uint8_t *end);
/* What the first is on an older processor. */
uint8_t *wst_escape_usual_narrow(uint8_t *at, const uint8_t **p, const uint8_t *end);

/* -- base64 --------------------------------------------------------------------------------- */

#define WST_ESCAPE_BASE64_ROOM(n) (((n) + 2) / 3 * 4)

/* Both write WST_ESCAPE_BASE64_ROOM(s.n) bytes and return the place after. The second is the plain
 * twin that the first is tested against. */
uint8_t *wst_escape_base64_at(uint8_t *at, struct wst_slice s);
uint8_t *wst_escape_base64_scalar(uint8_t *at, struct wst_slice s);
void wst_escape_base64(struct wst_out *out, struct wst_slice s);

#endif
