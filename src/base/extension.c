/* SPDX-License-Identifier: MIT
 *
 *      extension-list = 1#extension
 *      extension      = token *( ";" token [ "=" ( token | quoted-string ) ] )
 *                                                        RFC 6455 section 9.1
 */
#include "extension.h"

#include <string.h>

static struct wst_slice ext_skip_space(struct wst_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = wst_slice_skip(s, 1);
    return s;
}

static bool ext_token_char(uint8_t c) /* RFC 9110 section 5.6.2 */
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static struct wst_slice ext_token(struct wst_slice *s)
{
    size_t n = 0;
    while (n < s->n && ext_token_char(s->p[n])) n++;
    struct wst_slice token = {s->p, n};
    *s = wst_slice_skip(*s, n);
    return token;
}

/* "quoted": a token, of which any character may stand behind a backslash. *value: as it stands. */
static bool ext_quoted(struct wst_slice *s, struct wst_slice *value)
{
    size_t n = 1;
    for (; n < s->n && s->p[n] != '"'; n++) {
        if (s->p[n] == '\\') n++;
        if (n == s->n || !ext_token_char(s->p[n])) return false;
    }
    if (n >= s->n) return false;
    *value = (struct wst_slice){s->p + 1, n - 1};
    *s = wst_slice_skip(*s, n + 1);
    return value->n > 0;
}

int wst_extension_next(struct wst_slice *list, struct wst_extension *e)
{
    struct wst_slice s = ext_skip_space(*list);
    while (s.n && s.p[0] == ',') s = ext_skip_space(wst_slice_skip(s, 1));
    *list = s;
    if (!s.n) return 0;
    e->name = ext_token(&s);
    if (!e->name.n) return -1;
    s = ext_skip_space(s);
    size_t n = 0; /* the parameters go to the next comma outside quotes */
    for (bool quoted = false; n < s.n && (quoted || s.p[n] != ','); n++)
        if (s.p[n] == '"')
            quoted = !quoted;
        else if (quoted && s.p[n] == '\\' && n + 1 < s.n)
            n++;
    if (n && s.p[0] != ';') return -1;
    e->params = wst_slice_head(s, n);
    *list = wst_slice_skip(s, n);
    return 1;
}

int wst_extension_param(struct wst_slice *params, struct wst_slice *name, struct wst_slice *value)
{
    struct wst_slice s = ext_skip_space(*params);
    if (!s.n) return 0;
    if (s.p[0] != ';') return -1;
    s = ext_skip_space(wst_slice_skip(s, 1));
    *name = ext_token(&s);
    *value = (struct wst_slice){NULL, 0};
    if (!name->n) return -1;
    s = ext_skip_space(s);
    if (s.n && s.p[0] == '=') {
        s = ext_skip_space(wst_slice_skip(s, 1));
        if (s.n && s.p[0] == '"') {
            if (!ext_quoted(&s, value)) return -1;
        } else {
            *value = ext_token(&s);
            if (!value->n) return -1;
        }
    }
    *params = s;
    return 1;
}
