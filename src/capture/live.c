/* SPDX-License-Identifier: MIT
 *
 * In: a network device, through libpcap. Out: its packets, with the finest time they have.
 * Refuses a device that cannot be opened, and says why.
 */
#include "live.h"
#include "linktype.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct wst_live {
    struct wst_live_options options; /* strings are ours */
    char *device, *link_name;
    pcap_t *pcap;
    void (*packet)(void *user, const struct wst_packet *packet); /* while dispatching */
    void *user;
    struct pcap_stat before; /* its counters are 32 bits wide and wrap */
    uint64_t received, dropped;
    uint32_t link_type;
    int index; /* of the interface, while it is the one that was opened */
    bool nanos;
};

struct wst_live *wst_live_new(const struct wst_live_options *options)
{
    struct wst_live *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->options = *options;
    l->device = strdup(options->device ? options->device : "");
    if (options->link_type) l->link_name = strdup(options->link_type);
    if (l->device && (l->link_name || !options->link_type)) return l;
    wst_live_free(l);
    return NULL;
}

void wst_live_free(struct wst_live *l)
{
    if (!l) return;
    if (l->pcap) pcap_close(l->pcap);
    free(l->device);
    free(l->link_name);
    free(l);
}

const char *wst_live_name(const struct wst_live *l)
{
    return l->device;
}
uint32_t wst_live_link_type(const struct wst_live *l)
{
    return l->link_type;
}

/* ---- opening ---- */

/* Appends to a sentence, as much as there is room for. */
__attribute__((format(printf, 2, 3))) static void say(char *error, const char *text, ...)
{
    size_t n = strlen(error);
    va_list args;
    va_start(args, text);
    vsnprintf(error + n, WST_CAPTURE_ERROR_SIZE - n, text, args);
    va_end(args);
}

static int take_name(struct wst_live *l, const char *name, char *error)
{
    char *copy = strdup(name);
    if (!copy) {
        say(error, "out of memory");
        return -1;
    }
    free(l->device);
    l->device = copy;
    return 0;
}

/* "3" is the third of wst_capture_devices; no system names a device by digits alone. */
static int resolve_number(struct wst_live *l, char *error)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_if_t *all, *d;
    unsigned long number;
    int rc = -1;
    if (!*l->device || l->device[strspn(l->device, "0123456789")]) return 0;
    number = strtoul(l->device, NULL, 10);
    if (pcap_findalldevs(&all, why) != 0) {
        say(error, "cannot list the devices: %s", why);
        return -1;
    }
    for (d = all; d && number > 1; d = d->next) number--;
    if (d && number == 1)
        rc = take_name(l, d->name, error);
    else
        say(error, "there is no device number %s; wstrace -D lists those that there are",
            l->device);
    pcap_freealldevs(all);
    return rc;
}

/* libpcap's sentence for a failure or, where it has none, that of the code. */
static const char *reason(struct wst_live *l, int rc)
{
    const char *why = pcap_geterr(l->pcap);
    return why[0] ? why : pcap_statustostr(rc);
}

/* This program as a shell finds it: by its file where the system tells, else by its name. */
static void own_name(char *to, size_t size)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";
#ifdef __linux__
    ssize_t n = readlink("/proc/self/exe", to, size - 1);
    if (n > 0 && (size_t)n < size - 1) {
        to[n] = '\0';
        if (to[strspn(to, plain)] == '\0') return;
    }
#endif
    (void)plain;
    snprintf(to, size, "$(readlink -f \"$(command -v wstrace)\")");
}

static int refuse_activation(struct wst_live *l, int rc, char *error)
{
    char name[256];
    say(error, "cannot capture on %s: %s", l->device, pcap_statustostr(rc));
    own_name(name, sizeof name);
    if (rc == PCAP_ERROR_PERM_DENIED || rc == PCAP_ERROR_PROMISC_PERM_DENIED)
        say(error,
            "; to be allowed without being root: sudo setcap cap_net_raw,cap_net_admin+eip %s",
            name);
    else if (pcap_geterr(l->pcap)[0] && strcmp(pcap_geterr(l->pcap), pcap_statustostr(rc)) != 0)
        say(error, " (%.200s)", pcap_geterr(l->pcap));
    if (rc == PCAP_ERROR_NO_SUCH_DEVICE) say(error, "; wstrace -D lists those that there are");
    return -1;
}

/* Linux: packets lie side by side in blocks that are handed over when full, or after a moment. In
 * immediate mode each would take a frame of the buffer as large as the longest packet, and on
 * loopback the default buffer would hold sixteen. Elsewhere packets come one by one anyway. */
static void set_delivery(struct wst_live *l)
{
#ifndef __linux__
    pcap_set_immediate_mode(l->pcap, 1);
#endif
    pcap_set_timeout(l->pcap, WST_LIVE_BLOCK_MS);
}

static int activate(struct wst_live *l, char *error)
{
    const struct wst_live_options *o = &l->options;
    int rc, kib = o->buffer_kib > 0 ? o->buffer_kib : WST_CAPTURE_BUFFER_KIB;
    pcap_set_snaplen(l->pcap, o->snaplen > 0 ? o->snaplen : WST_LIVE_SNAPLEN);
    pcap_set_promisc(l->pcap, !o->no_promiscuous);
    set_delivery(l);
    pcap_set_buffer_size(l->pcap, kib > INT_MAX / 1024 ? INT_MAX : kib * 1024);
    l->nanos = pcap_set_tstamp_precision(l->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
    rc = pcap_activate(l->pcap);
    return rc < 0 ? refuse_activation(l, rc, error) : 0; /* above 0: a warning (no promiscuity) */
}

/* Names those the device has: nobody knows them by heart. */
static int refuse_link_type(struct wst_live *l, char *error)
{
    int *list, n = pcap_list_datalinks(l->pcap, &list);
    say(error, "%s has no link type %.40s", l->device, l->link_name);
    for (int i = 0; i < n; i++) {
        const char *name = pcap_datalink_val_to_name(list[i]);
        say(error, "%s%s", i == 0 ? "; it has: " : ", ", name ? name : "(without a name)");
    }
    if (n >= 0) pcap_free_datalinks(list);
    return -1;
}

static int choose_link_type(struct wst_live *l, char *error)
{
    if (l->link_name) {
        int dlt = pcap_datalink_name_to_val(l->link_name);
        if (dlt < 0 || pcap_set_datalink(l->pcap, dlt) != 0) return refuse_link_type(l, error);
    }
    l->link_type = wst_linktype_of_dlt(pcap_datalink(l->pcap));
    return 0;
}

/* In the kernel, with the device's own handle: what it drops costs nothing, and is not numbered. */
static int install_filter(struct wst_live *l, const char *filter, char *error)
{
    struct bpf_program code;
    char why[PCAP_ERRBUF_SIZE];
    bpf_u_int32 net, mask;
    int rc;
    if (!filter || !*filter) return 0;
    if (pcap_lookupnet(l->device, &net, &mask, why) != 0) mask = PCAP_NETMASK_UNKNOWN;
    if (pcap_compile(l->pcap, &code, filter, 1, mask) != 0) {
        say(error, "filter \"%.200s\" on %s: %.200s", filter, l->device, pcap_geterr(l->pcap));
        return -1;
    }
    rc = pcap_setfilter(l->pcap, &code);
    pcap_freecode(&code);
    if (rc != 0) say(error, "filter \"%.200s\" on %s: %.200s", filter, l->device, reason(l, rc));
    return rc;
}

/* What choose_link_type needs, and -L: created and activated, no more. */
static int create(struct wst_live *l, char *error)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    error[0] = '\0';
    if (resolve_number(l, error) < 0) return -1;
    l->pcap = pcap_create(l->device, why);
    if (!l->pcap) say(error, "cannot capture on %s: %s", l->device, why);
    return l->pcap ? activate(l, error) : -1;
}

static void uncreate(struct wst_live *l)
{
    if (l->pcap) pcap_close(l->pcap);
    l->pcap = NULL;
}

/* Asks about the interface of this name. False: there is none, or no way to ask. */
static bool question_name(const struct wst_live *l, unsigned long what, struct ifreq *ask)
{
    *ask = (struct ifreq){0};
    if (strlen(l->device) >= sizeof ask->ifr_name || strcmp(l->device, "any") == 0) return false;
    strcpy(ask->ifr_name, l->device);
    return ioctl(pcap_fileno(l->pcap), what, ask) == 0;
}

/* Writes what the interface that was opened is called now. False: it is gone, or no way to ask. */
static bool name_now(const struct wst_live *l, struct ifreq *ask)
{
    *ask = (struct ifreq){0};
#ifdef SIOCGIFNAME
    ask->ifr_ifindex = l->index;
    return l->index && ioctl(pcap_fileno(l->pcap), SIOCGIFNAME, ask) == 0;
#else
    (void)l;
    return false;
#endif
}

/* 0: not known. */
static int index_of(const struct wst_live *l)
{
#ifdef SIOCGIFINDEX
    struct ifreq ask;
    return question_name(l, SIOCGIFINDEX, &ask) ? ask.ifr_ifindex : 0;
#else
    (void)l;
    return 0;
#endif
}

int wst_live_open(struct wst_live *l, const char *filter, char error[WST_CAPTURE_ERROR_SIZE])
{
    char why[PCAP_ERRBUF_SIZE] = "";
    if (create(l, error) == 0 && choose_link_type(l, error) == 0 &&
        install_filter(l, filter, error) == 0) {
        l->index = index_of(l);
        if (pcap_setnonblock(l->pcap, 1, why) == 0) return 0;
        say(error, "cannot capture on %s: %s", l->device, why);
    }
    uncreate(l);
    return -1;
}

/* ---- running ---- */

static struct wst_packet packet_of(const struct wst_live *l, const struct pcap_pkthdr *head,
                                   const u_char *data)
{
    return (struct wst_packet){
        .data = {data, head->caplen},
        .wire_len = head->len,
        .link_type = l->link_type,
        .when.ns = (int64_t)head->ts.tv_sec * 1000000000 +
                   (int64_t)head->ts.tv_usec * (l->nanos ? 1 : 1000),
        .nanos = l->nanos,
    };
}

static void on_packet(u_char *user, const struct pcap_pkthdr *head, const u_char *data)
{
    struct wst_live *l = (struct wst_live *)user;
    struct wst_packet packet = packet_of(l, head, data);
    l->packet(l->user, &packet);
}

/* Newer libpcaps wait in silence for an interface that went down to come up again. */
bool wst_live_is_down(const struct wst_live *l)
{
    struct ifreq ask;
    bool known = name_now(l, &ask) ? ioctl(pcap_fileno(l->pcap), SIOCGIFFLAGS, &ask) == 0
                                   : question_name(l, SIOCGIFFLAGS, &ask);
    return known && !(ask.ifr_flags & IFF_UP);
}

/* Gone, and another one has its name. One that was renamed brings packets as before. */
static bool replaced(const struct wst_live *l)
{
    struct ifreq ask;
    int index = l->index ? index_of(l) : 0;
    return index && index != l->index && !name_now(l, &ask);
}

/* What libpcap returned, and whether the device is still the one that was opened. */
static int judge(struct wst_live *l, int n, char *error)
{
    if (n == PCAP_ERROR_BREAK) return 0;
    if (n < 0) snprintf(error, WST_CAPTURE_ERROR_SIZE, "the capture ended: %s", reason(l, n));
    if (n == 0 && replaced(l)) {
        /* libpcap asks by the name, too, and would wait for packets that nobody brings any more */
        snprintf(error, WST_CAPTURE_ERROR_SIZE,
                 "the capture ended: another interface has this name now");
        return -1;
    }
    return n < 0 ? -1 : n;
}

int wst_live_read(struct wst_live *l, void (*packet)(void *user, const struct wst_packet *packet),
                  void *user, char error[WST_CAPTURE_ERROR_SIZE])
{
    l->packet = packet;
    l->user = user;
    return judge(l, pcap_dispatch(l->pcap, WST_LIVE_TURN, on_packet, (u_char *)l), error);
}

int wst_live_next(struct wst_live *l, struct wst_packet *packet, char error[WST_CAPTURE_ERROR_SIZE])
{
    struct pcap_pkthdr *head;
    const u_char *data;
    int n = judge(l, pcap_next_ex(l->pcap, &head, &data), error);
    if (n > 0) *packet = packet_of(l, head, data);
    return n;
}

void wst_live_break(struct wst_live *l)
{
    pcap_breakloop(l->pcap);
}

int wst_live_fd(const struct wst_live *l)
{
    return pcap_get_selectable_fd(l->pcap);
}

void wst_live_count(struct wst_live *l, uint64_t *received, uint64_t *dropped)
{
    struct pcap_stat now;
    if (l->pcap && pcap_stats(l->pcap, &now) == 0) {
        l->received += now.ps_recv - l->before.ps_recv;
        l->dropped += now.ps_drop - l->before.ps_drop;
        l->before = now;
    }
    *received = l->received;
    *dropped = l->dropped;
}

/* ---- what there is ---- */

int wst_capture_devices(void (*device)(void *user, int number, const char *name, const char *text),
                        void *user, char error[WST_CAPTURE_ERROR_SIZE])
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_if_t *all;
    int number = 0;
    if (pcap_findalldevs(&all, why) != 0) {
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "cannot list the devices: %s", why);
        return -1;
    }
    for (pcap_if_t *d = all; d; d = d->next) device(user, ++number, d->name, d->description);
    pcap_freealldevs(all);
    return 0;
}

int wst_capture_device_link_types(const char *device,
                                  void (*link_type)(void *user, const char *name, const char *text),
                                  void *user, char error[WST_CAPTURE_ERROR_SIZE])
{
    struct wst_live *l = wst_live_new(&(struct wst_live_options){.device = device});
    int *list = NULL, n = -1;
    if (!l) {
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "out of memory");
        return -1;
    }
    if (create(l, error) == 0 && (n = pcap_list_datalinks(l->pcap, &list)) < 0)
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s: %s", device, reason(l, n));
    for (int i = 0; i < n; i++) {
        const char *name = pcap_datalink_val_to_name(list[i]);
        if (name) link_type(user, name, pcap_datalink_val_to_description(list[i]));
    }
    if (n >= 0) pcap_free_datalinks(list);
    wst_live_free(l);
    return n < 0 ? -1 : 0;
}
