/* SPDX-License-Identifier: MIT
 *
 * In: plaintext, and what a socket has. Out: the other of the two.
 * Refuses certificates that lead to nobody who is trusted, and names that are not in them.
 */
#include "secure.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- libssl, when it is wanted ----------------------------------------------------------------- */

/* Linked, it would cost every start of the tool half a millisecond, a sixth; only wss wants it. */
#define CALLS(X)                                                                                 \
    X(TLS_client_method)                                                                         \
    X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_options) X(SSL_CTX_set_verify)  \
        X(SSL_CTX_set_alpn_protos) X(SSL_CTX_set_default_verify_paths)                           \
            X(SSL_CTX_load_verify_locations) X(SSL_new) X(SSL_free) X(SSL_ctrl) X(SSL_set_fd)    \
                X(SSL_set1_host) X(SSL_set_hostflags) X(SSL_get0_param) X(SSL_get_verify_result) \
                    X(SSL_connect) X(SSL_get_error) X(SSL_read) X(SSL_write) X(SSL_has_pending)  \
                        X(SSL_shutdown)

struct libssl {
#define CALL(name) __typeof__(name) *name;
    CALLS(CALL)
#undef CALL
};

static bool find_call(void *library, const char *name, void *call)
{
    void *found = dlsym(library, name);

    memcpy(call, &found, sizeof found);
    return found != NULL;
}

/* It stays for as long as the process. */
static bool libssl_load(struct libssl *to)
{
    void *library = dlopen(WST_LIBSSL, RTLD_NOW);
    bool all = library != NULL;

#define CALL(name) all = all && find_call(library, #name, &to->name);
    CALLS(CALL)
#undef CALL
    return all;
}

struct wst_tool_secure {
    struct libssl call;
    SSL_CTX *context;
    SSL *ssl;
    const char *host;
    bool insecure;
};

/* -- who is trusted ---------------------------------------------------------------------------- */

enum { FILES_MOST = 4096 };

/* OpenSSL looks into a directory when a certificate asks for it. By then no file can be opened. */
static void trust_directory(const struct wst_tool_secure *s, const char *name)
{
    DIR *directory = opendir(name);
    const struct dirent *entry;
    char path[PATH_MAX];

    for (int i = 0; directory && i < FILES_MOST && (entry = readdir(directory)); i++) {
        int n = snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        if (entry->d_name[0] != '.' && n > 0 && (size_t)n < sizeof path)
            s->call.SSL_CTX_load_verify_locations(s->context, path, NULL);
    }
    if (directory) closedir(directory);
}

/* Where systems keep them as one file. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/ca-bundle.pem",             /* openSUSE */
    "/etc/ssl/cert.pem",                  /* macOS, BSD */
};

static void trust(const struct wst_tool_secure *s)
{
    const char *file = getenv("SSL_CERT_FILE"), *directory = getenv("SSL_CERT_DIR");

    s->call.SSL_CTX_set_default_verify_paths(s->context);
    if (directory && *directory) trust_directory(s, directory);
    for (size_t i = 0; !file && !directory && i < sizeof bundles / sizeof *bundles; i++)
        if (access(bundles[i], R_OK) == 0 &&
            s->call.SSL_CTX_load_verify_locations(s->context, bundles[i], NULL) == 1)
            break;
    ERR_clear_error();
}

static struct wst_tool_secure *refuse(struct wst_tool_secure *s, char *error)
{
    const char *why = ERR_reason_error_string(ERR_get_error());

    snprintf(error, WST_TOOL_SECURE_ERROR, "TLS: %s", why ? why : "out of memory");
    wst_tool_secure_free(s);
    return NULL;
}

struct wst_tool_secure *wst_tool_secure_new(const char *host, bool insecure,
                                            char error[WST_TOOL_SECURE_ERROR])
{
    static const unsigned char http1[] = "\x08http/1.1";
    struct wst_tool_secure *s = calloc(1, sizeof *s);

    if (s && !libssl_load(&s->call)) {
        snprintf(error, WST_TOOL_SECURE_ERROR, "TLS: %s cannot be loaded", WST_LIBSSL);
        free(s);
        return NULL;
    }
    if (s) s->context = s->call.SSL_CTX_new(s->call.TLS_client_method());
    if (s == NULL || s->context == NULL) return refuse(s, error);
    s->host = host;
    s->insecure = insecure;
    s->call.SSL_CTX_ctrl(s->context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
    s->call.SSL_CTX_ctrl(s->context, SSL_CTRL_MODE,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
    s->call.SSL_CTX_set_alpn_protos(s->context, http1, sizeof http1 - 1);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF /* frames say where they end */
    s->call.SSL_CTX_set_options(s->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    s->call.SSL_CTX_set_verify(s->context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (!insecure) trust(s);
    return s;
}

void wst_tool_secure_free(struct wst_tool_secure *s)
{
    if (s == NULL) return;
    if (s->context) {
        s->call.SSL_free(s->ssl);
        s->call.SSL_CTX_free(s->context);
    }
    free(s);
}

/* -- a connection ------------------------------------------------------------------------------ */

static bool is_address(const char *host)
{
    uint8_t address[16];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

bool wst_tool_secure_attach(struct wst_tool_secure *s, int fd)
{
    const struct libssl *call = &s->call;

    s->ssl = call->SSL_new(s->context);
    if (s->ssl == NULL || call->SSL_set_fd(s->ssl, fd) != 1) return false;
    if (is_address(s->host)) /* RFC 6066 section 3: no address in the server's name */
        return X509_VERIFY_PARAM_set1_ip_asc(call->SSL_get0_param(s->ssl), s->host) == 1;
    call->SSL_set_hostflags(s->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return call->SSL_ctrl(s->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                          (void *)(uintptr_t)s->host) == 1 &&
           call->SSL_set1_host(s->ssl, s->host) == 1;
}

static int state_of(struct wst_tool_secure *s, int rc)
{
    if (rc > 0) return rc;
    switch (s->call.SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ: return WST_TOOL_SECURE_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return WST_TOOL_SECURE_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return WST_TOOL_SECURE_END;
    default: return WST_TOOL_SECURE_FAILED;
    }
}

int wst_tool_secure_handshake(struct wst_tool_secure *s, char error[WST_TOOL_SECURE_ERROR])
{
    long verdict;
    const char *why;
    int state;

    ERR_clear_error();
    state = state_of(s, s->call.SSL_connect(s->ssl));
    if (state != WST_TOOL_SECURE_FAILED && state != WST_TOOL_SECURE_END) return state;
    verdict = s->call.SSL_get_verify_result(s->ssl);
    why = ERR_reason_error_string(ERR_peek_last_error());
    if (verdict != X509_V_OK && !s->insecure)
        snprintf(error, WST_TOOL_SECURE_ERROR,
                 "its certificate is not trusted: %s (--insecure does without)",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(error, WST_TOOL_SECURE_ERROR, "TLS: %s",
                 why ? why : "the connection ended in the handshake");
    return WST_TOOL_SECURE_FAILED;
}

int wst_tool_secure_read(struct wst_tool_secure *s, uint8_t *p, size_t n)
{
    ERR_clear_error();
    return state_of(s, s->call.SSL_read(s->ssl, p, n < INT_MAX ? (int)n : INT_MAX));
}

int wst_tool_secure_write(struct wst_tool_secure *s, const uint8_t *p, size_t n)
{
    ERR_clear_error();
    return state_of(s, s->call.SSL_write(s->ssl, p, n < INT_MAX ? (int)n : INT_MAX));
}

bool wst_tool_secure_pending(const struct wst_tool_secure *s)
{
    return s->ssl && s->call.SSL_has_pending(s->ssl);
}

void wst_tool_secure_shut(struct wst_tool_secure *s)
{
    ERR_clear_error();
    s->call.SSL_shutdown(s->ssl);
}
