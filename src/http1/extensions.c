/* SPDX-License-Identifier: MIT
 *
 * In: the parameters of permessage-deflate. Out: terms, RFC 7692 section 7.1.
 * Refuses what that does not know, and what is there twice.
 */
#include "http1.h"

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
