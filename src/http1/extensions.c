/* SPDX-License-Identifier: MIT
 *
 *      extension-list = 1#extension
 *      extension      = token *( ";" token [ "=" ( token | quoted-string ) ] )
 *                                                        RFC 6455 section 9.1
 */
#include "http1.h"

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

static int ext_window_bits(struct wst_slice value)
{
    uint8_t plain[3]; /* without backslashes */
    struct wst_slice v = {plain, 0};
    for (size_t i = 0; i < value.n && v.n < sizeof plain; i++)
        if (value.p[i] != '\\') plain[v.n++] = value.p[i];
    if (v.n == 1 && v.p[0] >= '8' && v.p[0] <= '9') return v.p[0] - '0';
    if (v.n == 2 && v.p[0] == '1' && v.p[1] >= '0' && v.p[1] <= '5') return 10 + v.p[1] - '0';
    return -1;
}

/* A parameter's row: what it is called, and whether it has a value (RFC 7692 section 7.1). */
static const struct {
    const char *name;
    bool bits;
    const char *valued, *wrong; /* what is wrong when it has one, or has a wrong one */
} deflate_rows[] = {
    {"server_no_context_takeover", false, "server_no_context_takeover has a value", NULL},
    {"client_no_context_takeover", false, "client_no_context_takeover has a value", NULL},
    {"server_max_window_bits", true, NULL, "server_max_window_bits is not 8 to 15"},
    {"client_max_window_bits", true, NULL, "client_max_window_bits is not 8 to 15"},
};
enum { SERVER_NO_TAKEOVER, CLIENT_NO_TAKEOVER, SERVER_BITS, CLIENT_BITS, DEFLATE_ROWS };

const char *wst_extension_params(struct wst_slice params, bool offer, struct wst_deflate_params *p)
{
    *p = (struct wst_deflate_params){0};
    bool seen[DEFLATE_ROWS] = {false};
    const char *wrong = NULL;
    struct wst_slice name, value;
    int is;
    while ((is = wst_extension_param(&params, &name, &value)) > 0) {
        int row = 0, bits = value.p ? ext_window_bits(value) : -1;
        while (row < DEFLATE_ROWS && !wst_slice_is_nocase(name, deflate_rows[row].name)) row++;
        if (row == DEFLATE_ROWS) {
            wrong = "a parameter that RFC 7692 does not know";
            continue;
        }
        if (seen[row]) wrong = "a parameter is there twice";
        seen[row] = true;
        if (!deflate_rows[row].bits) {
            if (value.p) wrong = deflate_rows[row].valued;
            continue;
        }
        /* An offer may leave the client's bits to the server (section 7.1.2.2). */
        if (bits < 0 && !(offer && row == CLIENT_BITS && !value.p)) wrong = deflate_rows[row].wrong;
        if (bits >= 0 && row == SERVER_BITS) p->server_bits = (uint8_t)bits;
        if (bits >= 0 && row == CLIENT_BITS) p->client_bits = (uint8_t)bits;
    }
    p->server_no_context_takeover = seen[SERVER_NO_TAKEOVER];
    p->client_no_context_takeover = seen[CLIENT_NO_TAKEOVER];
    p->has_server_bits = seen[SERVER_BITS];
    p->has_client_bits = seen[CLIENT_BITS];
    return is < 0 ? "its parameters are malformed" : wrong;
}

const char *wst_extension_deflate(struct wst_slice params, struct wst_deflate_terms *t)
{
    struct wst_deflate_params p;
    const char *wrong = wst_extension_params(params, false, &p);
    *t = (struct wst_deflate_terms){
        .agreed = true,
        .server_no_context_takeover = p.server_no_context_takeover,
        .client_no_context_takeover = p.client_no_context_takeover,
        .server_max_window_bits = p.server_bits ? p.server_bits : 15,
        .client_max_window_bits = p.client_bits ? p.client_bits : 15,
    };
    return wrong;
}

const char *wst_extension_mismatch(const struct wst_deflate_params *answer,
                                   const struct wst_deflate_params *offer)
{
    if (offer->server_no_context_takeover && !answer->server_no_context_takeover)
        return "server_no_context_takeover was demanded and not granted";
    /* 15 limits nothing: to say nothing means it, too. */
    if (offer->has_server_bits && offer->server_bits != 15 && !answer->has_server_bits)
        return "server_max_window_bits was demanded and not granted";
    if (offer->has_server_bits && answer->server_bits > offer->server_bits)
        return "server_max_window_bits is larger than was demanded";
    if (answer->has_client_bits && !offer->has_client_bits)
        return "client_max_window_bits was not offered";
    return NULL;
}
