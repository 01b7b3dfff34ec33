/* SPDX-License-Identifier: MIT
 *
 * Two real endpoints (libssl) that talk through memory. In: what they shall agree on. Out: the
 * bytes each sent, in the order in which they were sent; what each meant; the key log.
 */
#ifndef WST_TEST_TLS_PEERS_H
#define WST_TEST_TLS_PEERS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEERS_EARLY_NONE, PEERS_EARLY, PEERS_EARLY_REFUSED };

struct peers_line {
    int who; /* enum wst_dir */
    const void *p;
    size_t n;
};
struct peers_terms {
    const char *name;
    int version;        /* TLS1_VERSION … TLS1_3_VERSION */
    const char *cipher; /* TLS 1.3: a suite's name; before: a list as OpenSSL writes it */
    bool ecdsa;         /* the server's certificate; else RSA */
    bool retry;         /* HelloRetryRequest: the client guesses the wrong group */
    bool client_auth;   /* the client has a certificate, too */
    bool small;         /* records of 512 bytes at most, handshake messages split over them */
    bool padding;       /* TLS 1.3 records padded to 1024 */
    bool updates;       /* KeyUpdate on the way, by one side and by both */
    bool renegotiates;  /* up to TLS 1.2 */
    bool no_etm, no_ems, no_tickets;
    bool resume; /* a second connection resumes the first */
    int early;   /* … and begins with early data: the first of the lines */
    const char *alpn;
    bool dull;                      /* a short talk: a few records of a few bytes */
    bool spoilt; /* the client's last record is spoilt on its way, and the server says so */
    const struct peers_line *lines; /* what they say; NULL: random bytes */
    size_t lines_n;
};

struct peers_chunk {
    uint8_t dir; /* enum wst_dir */
    size_t at, n;
};
struct peers_buf {
    uint8_t *p;
    size_t n, size;
};
struct peers_talk {
    struct peers_buf wire; /* all bytes, in the order of chunks */
    struct peers_chunk chunks[512];
    size_t chunks_n;
    struct peers_buf said[2]; /* by direction */
    struct peers_buf keylog;  /* ends with NUL; of all talks so far */
    char cipher[64];          /* by its IANA name */
};

/* The first connection; with terms->resume the second, too: talk[1]. */
void peers_talk(const struct peers_terms *terms, struct peers_talk talk[2]);
void peers_free(struct peers_talk *talk);
/* The server's RSA key as PEM. Free it. */
char *peers_rsa_pem(void);
/* Lets go of keys and certificates. */
void peers_end(void);
/* The same, when a group of tests is through. */
int peers_teardown(void **state);

#endif
