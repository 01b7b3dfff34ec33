/* SPDX-License-Identifier: MIT
 *
 * In: one side of a flow, or an address. Out: it, and its port, as text.
 * Refuses nothing. IPv4 is written here: inet_ntop goes by way of printf, which cost a handshake as
 * much as everything else that is done for it.
 */
#include <arpa/inet.h>

#include "digits.h"
#include "pipeline.h"

static char *put_number(char *at, unsigned value)
{
    return (char *)wst_digits((uint8_t *)at, value);
}

static char *put_address(char *at, unsigned family, const uint8_t *address)
{
    if (family != 4) {
        if (!inet_ntop(AF_INET6, address, at, WST_ENDPOINT_IP)) *at = '\0';
        return at + strlen(at);
    }
    for (int i = 0; i < 4; i++) {
        if (i) *at++ = '.';
        at = put_number(at, address[i]);
    }
    return at;
}

void wst_endpoint_address(unsigned family, const uint8_t *address, char ip[WST_ENDPOINT_IP])
{
    *put_address(ip, family, address) = '\0';
}

void wst_endpoint_ip(const struct wst_flow *f, unsigned side, char ip[WST_ENDPOINT_IP])
{
    wst_endpoint_address(f->family, f->addr[side], ip);
}

char *wst_endpoint_put(char *at, const struct wst_flow *f, unsigned side)
{
    if (f->family != 4) *at++ = '[';
    at = put_address(at, f->family, f->addr[side]);
    if (f->family != 4) *at++ = ']';
    *at++ = ':';
    return put_number(at, f->port[side]);
}
