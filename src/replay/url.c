/* SPDX-License-Identifier: MIT
 *
 * In: text. Out: a WebSocket URI, RFC 6455 section 3.
 * Refuses what cannot be sent as it stands: blanks, fragments, names that are not ASCII.
 */
#include "replay.h"

#include <stdio.h>
#include <string.h>

int wst_replay_refuse(char *error, const char *why)
{
    snprintf(error, WST_REPLAY_ERROR_SIZE, "%s", why);
    return -1;
}

bool wst_replay_scheme(const char **text, const char *name)
{
    size_t n = strlen(name);

    if (strlen(*text) < n || !wst_same_nocase((const uint8_t *)*text, name, n)) return false;
    *text += n;
    return true;
}

static int read_port(struct wst_replay_url *url, const char *text, size_t n, char *error)
{
    uint32_t port = 0;

    if (n == 0) return 0; /* "host:" is "host", RFC 3986 section 6.2.3 */
    for (size_t i = 0; i < n && port <= UINT16_MAX; i++) {
        if (text[i] < '0' || text[i] > '9')
            return wst_replay_refuse(error, "its port is no number");
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX) return wst_replay_refuse(error, "there is no such port");
    url->port = (uint16_t)port;
    return 0;
}

int wst_replay_printable(const char *text, size_t n, char *error)
{
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)text[i] <= ' ' || (uint8_t)text[i] >= 0x7f)
            return wst_replay_refuse(
                error, "only printable ASCII can stand in it: percent-encode the rest, "
                       "and write names of other scripts as xn--");
    return 0;
}

int wst_replay_authority(struct wst_replay_url *url, const char *text, size_t n, char *error)
{
    const char *colon, *end = text + n, *host = text, *host_end;
    bool bracket = n > 0 && *text == '[';
    size_t length;

    if (memchr(text, '@', n))
        return wst_replay_refuse(error,
                                 "a name and password do not belong there; a header line can carry "
                                 "them");
    if (bracket) {
        host++;
        host_end = memchr(text, ']', n);
        if (host_end == NULL) return wst_replay_refuse(error, "its address has no end");
        colon = host_end + 1 < end ? host_end + 1 : NULL;
        if (colon && *colon != ':')
            return wst_replay_refuse(error, "something stands behind its address");
    } else {
        colon = memchr(text, ':', n);
        host_end = colon ? colon : end;
        if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
            return wst_replay_refuse(error, "an IPv6 address stands in brackets: [::1]");
    }
    length = (size_t)(host_end - host);
    if (length == 0) return wst_replay_refuse(error, "it names no host");
    if (length >= sizeof url->host) return wst_replay_refuse(error, "its host is too long");
    memcpy(url->host, host, length);
    url->host[length] = '\0';
    if (colon && read_port(url, colon + 1, (size_t)(end - colon - 1), error) != 0) return -1;
    length = (size_t)snprintf(url->authority, sizeof url->authority, "%s%s%s", bracket ? "[" : "",
                              url->host, bracket ? "]" : "");
    if (url->port != (url->secure ? 443 : 80))
        snprintf(url->authority + length, sizeof url->authority - length, ":%u",
                 (unsigned)url->port);
    return 0;
}

int wst_replay_url_read(struct wst_replay_url *url, const char *text,
                        char error[WST_REPLAY_ERROR_SIZE])
{
    size_t n;

    *url = (struct wst_replay_url){.port = 80};
    if (wst_replay_printable(text, strlen(text), error) != 0) return -1;
    if (strchr(text, '#'))
        return wst_replay_refuse(error, "a fragment is not sent to a server (RFC 6455 §3)");
    if (wst_replay_scheme(&text, "wss://")) {
        url->secure = true;
        url->port = 443;
    } else if (!wst_replay_scheme(&text, "ws://")) {
        return wst_replay_refuse(error, "it begins with ws:// or wss://");
    }
    n = strcspn(text, "/?");
    if (text[n]) url->target = text + n;
    return wst_replay_authority(url, text, n, error);
}
