/* SPDX-License-Identifier: MIT
 *
 * In: a BPF expression and packets. Out: yes or no for each.
 * Refuses expressions libpcap cannot compile for a link type, in libpcap's words.
 */
#include "filter.h"
#include "linktype.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wst_filter_program {
    uint32_t link_type;
    bool ok;
    struct bpf_program code;
};

int wst_filter_set(struct wst_filter *f, const char *text)
{
    wst_filter_free(f);
    if (!text || !*text) return 0;
    f->programs = calloc(WST_FILTER_LINK_TYPES_MAX, sizeof *f->programs);
    f->text = strdup(text);
    if (f->text && f->programs) return 0;
    wst_filter_free(f);
    return -1;
}

void wst_filter_free(struct wst_filter *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->programs[i].ok) pcap_freecode(&f->programs[i].code);
    free(f->programs);
    free(f->text);
    *f = (struct wst_filter){0};
}

static struct wst_filter_program *find(const struct wst_filter *f, uint32_t link_type)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->programs[i].link_type == link_type) return &f->programs[i];
    return NULL;
}

/* The expression stands in a sentence, which has no line breaks. */
static void on_one_line(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r') *text = ' ';
}

static bool compile(const struct wst_filter *f, struct wst_filter_program *program, char *error)
{
    pcap_t *dead = pcap_open_dead(wst_linktype_to_dlt(program->link_type), 262144);
    char name[64];
    if (!dead) {
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "out of memory");
        return false;
    }
    program->ok = pcap_compile(dead, &program->code, f->text, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!program->ok)
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "filter \"%.200s\" on link type %s: %.200s",
                 f->text, wst_linktype_name(program->link_type, name), pcap_geterr(dead));
    if (!program->ok) on_one_line(error);
    pcap_close(dead);
    return program->ok;
}

int wst_filter_compile(struct wst_filter *f, uint32_t link_type, char error[WST_CAPTURE_ERROR_SIZE])
{
    struct wst_filter_program *program;
    if (!f->text) return 0;
    program = find(f, link_type);
    if (program && program->ok) return 0;
    if (!program) {
        if (f->n == WST_FILTER_LINK_TYPES_MAX) {
            snprintf(error, WST_CAPTURE_ERROR_SIZE, "filter \"%.200s\": more than %d link types",
                     f->text, (int)WST_FILTER_LINK_TYPES_MAX);
            return -1;
        }
        program = &f->programs[f->n++];
        program->link_type = link_type;
    }
    return compile(f, program, error) ? 0 : -1;
}

/* A link type not met before. */
static int first_of_type(struct wst_filter *f, uint32_t link_type, char *error)
{
    bool full = f->n == WST_FILTER_LINK_TYPES_MAX;
    if (full && f->full_told) return 0;
    f->full_told = full;
    return wst_filter_compile(f, link_type, error);
}

int wst_filter_matches(struct wst_filter *f, const struct wst_packet *packet,
                       char error[WST_CAPTURE_ERROR_SIZE])
{
    struct pcap_pkthdr head = {.caplen = (bpf_u_int32)packet->data.n, .len = packet->wire_len};
    struct wst_filter_program *program;
    if (!f->text) return 1;
    program = find(f, packet->link_type);
    if (!program) {
        if (first_of_type(f, packet->link_type, error) < 0) return -1;
        program = find(f, packet->link_type);
    }
    if (!program || !program->ok) return 0;
    return pcap_offline_filter(&program->code, &head, packet->data.p) != 0;
}
