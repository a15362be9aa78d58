/*
 * load: a closed-loop HTTP/1.1 client over TLS with a client certificate.
 *
 * Each of CONNECTIONS connections has one request in flight and sends the next one as soon as the
 * answer is complete. Only whole 2xx answers with a Content-Length count; anything else is a
 * failure. One line of JSON on stdout tells the result; the exit code is 0 only without failures.
 *
 *   load [-c CONNECTIONS] [-n REQUESTS] [-m keep|new|hold] [-p PATH] [-b POST_BYTES] [-E CRTS]
 *        -C CRT -K KEY PORT
 *
 *   keep  requests follow each other on the same connections
 *   new   every request has a connection, and a full handshake, of its own
 *   hold  one request a connection; then the connections stay open until stdin ends
 *
 * CRTS holds further certificates of the same key: each connection takes the next one.
 *
 * It talks to 127.0.0.1 only. Build: cc -O2 -o load load.c -lssl -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 8192, BUFFER = 256 * 1024, EVENTS = 256, STALL_SECONDS = 20 };

enum mode { KEEP, NEW, HOLD };
enum phase { CONNECTING, HANDSHAKE, SENDING, HEAD, BODY, IDLE };
enum progress { MOVED, BLOCKED, FAILED };

struct connection {
    int fd;
    SSL *ssl;
    enum phase phase;
    size_t sent;
    size_t head_size;
    long long body_left;
    bool server_closes;
    double started;
    char head[HEAD_LIMIT + 1];
};

static struct {
    int connections, port;
    long requests;
    long long post;
    enum mode mode;
    const char *path, *certificate, *certificates, *key;
} options = {.connections = 32, .requests = 10000, .mode = KEEP, .path = "/"};

static struct {
    long started, finished, failed;
    long long body_bytes;
    double *latency;
} tally;

static SSL_CTX *context;
static STACK_OF(X509_INFO) * clients;
static int poller, next_client;
static struct sockaddr_in address;
static char *request;
static size_t request_size;
static char buffer[BUFFER];

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}

/* ---- one connection ---------------------------------------------------------------------- */

static bool open_connection(struct connection *c)
{
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        die("no more sockets: raise the limit of open files");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        return false;
    c->ssl = SSL_new(context);
    if (clients) {
        int which = next_client++ % sk_X509_INFO_num(clients);
        SSL_use_certificate(c->ssl, sk_X509_INFO_value(clients, which)->x509);
    }
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_tlsext_host_name(c->ssl, "localhost");
    SSL_set_connect_state(c->ssl);
    c->phase = CONNECTING;
    /* Edge-triggered for both directions: drive() always goes on until it would block. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
    return epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

static void close_connection(struct connection *c)
{
    if (c->ssl) {
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    if (c->fd >= 0)
        close(c->fd);
    c->ssl = NULL;
    c->fd = -1;
}

static void begin_request(struct connection *c);

static void finish_request(struct connection *c, bool good)
{
    tally.latency[tally.finished++] = now() - c->started;
    if (!good)
        tally.failed++;
    if (!good || options.mode == NEW || c->server_closes)
        close_connection(c);
    c->phase = IDLE;
    if (options.mode != HOLD)
        begin_request(c);
}

static void begin_request(struct connection *c)
{
    if (tally.started == options.requests)
        return;
    tally.started++;
    c->started = now();
    c->sent = c->head_size = 0;
    c->server_closes = false;
    if (c->fd >= 0)
        c->phase = SENDING;
    else if (!open_connection(c))
        finish_request(c, false);
}

/* ---- the phases of a request: each goes on until it would block ---------------------------- */

static enum progress after(struct connection *c, int result)
{
    if (result > 0)
        return MOVED;
    int error = SSL_get_error(c->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? BLOCKED : FAILED;
}

static enum progress check_connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct sockaddr_in peer;
    socklen_t peer_size = sizeof peer;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
        return FAILED;
    if (getpeername(c->fd, (struct sockaddr *)&peer, &peer_size) < 0)
        return BLOCKED;
    c->phase = HANDSHAKE;
    return MOVED;
}

static enum progress shake_hands(struct connection *c)
{
    enum progress progress = after(c, SSL_do_handshake(c->ssl));
    if (progress == MOVED)
        c->phase = SENDING;
    return progress;
}

static enum progress send_request(struct connection *c)
{
    size_t total = request_size + (size_t)options.post;
    while (c->sent < total) {
        const char *from = buffer;
        size_t size = total - c->sent;
        if (c->sent < request_size) {
            from = request + c->sent;
            size = request_size - c->sent;
        } else if (size > 65536) {
            size = 65536;
        }
        int wrote = SSL_write(c->ssl, from, (int)size);
        if (wrote <= 0)
            return after(c, wrote);
        c->sent += (size_t)wrote;
    }
    c->phase = HEAD;
    return MOVED;
}

static bool parse_head(struct connection *c)
{
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    bool success = strncmp(c->head, "HTTP/1.1 2", 10) == 0;
    if (!success || !length || strcasestr(c->head, "\r\ntransfer-encoding:")) {
        fprintf(stderr, "load: not a 2xx with a length: %.60s\n", c->head);
        return false;
    }
    c->body_left = atoll(length + strlen("\r\ncontent-length:"));
    c->server_closes = strcasestr(c->head, "\r\nconnection: close") != NULL;
    return true;
}

/* Count body bytes; tell whether there are more than were announced. */
static bool take_body(struct connection *c, long long size)
{
    tally.body_bytes += size;
    c->body_left -= size;
    return c->body_left >= 0;
}

static enum progress read_head(struct connection *c)
{
    int room = HEAD_LIMIT - (int)c->head_size;
    int got = room ? SSL_read(c->ssl, c->head + c->head_size, room) : 0;
    if (got <= 0)
        return room ? after(c, got) : FAILED;
    c->head_size += (size_t)got;
    c->head[c->head_size] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return MOVED;
    size_t extra = c->head_size - (size_t)(end + 4 - c->head);
    end[2] = 0;
    c->phase = BODY;
    return parse_head(c) && take_body(c, (long long)extra) ? MOVED : FAILED;
}

static enum progress read_body(struct connection *c)
{
    if (c->body_left == 0) {
        finish_request(c, true);
        return MOVED;
    }
    int got = SSL_read(c->ssl, buffer, BUFFER);
    if (got <= 0)
        return after(c, got);
    return take_body(c, got) ? MOVED : FAILED;
}

static enum progress step(struct connection *c)
{
    ERR_clear_error();
    switch (c->phase) {
    case CONNECTING: return check_connected(c);
    case HANDSHAKE:  return shake_hands(c);
    case SENDING:    return send_request(c);
    case HEAD:       return read_head(c);
    case BODY:       return read_body(c);
    case IDLE:       return BLOCKED;
    }
    return FAILED;
}

static void drive(struct connection *c)
{
    for (;;) {
        enum progress progress = step(c);
        if (progress == FAILED)
            finish_request(c, false);
        if (progress == BLOCKED)
            return;
    }
}

/* ---- the run ------------------------------------------------------------------------------ */

static void parse_options(int count, char **values)
{
    int letter;
    while ((letter = getopt(count, values, "c:n:m:p:b:C:E:K:")) != -1) {
        switch (letter) {
        case 'c': options.connections = atoi(optarg); break;
        case 'n': options.requests = atol(optarg); break;
        case 'p': options.path = optarg; break;
        case 'b': options.post = atoll(optarg); break;
        case 'C': options.certificate = optarg; break;
        case 'E': options.certificates = optarg; break;
        case 'K': options.key = optarg; break;
        case 'm':
            options.mode = !strcmp(optarg, "new") ? NEW : !strcmp(optarg, "hold") ? HOLD : KEEP;
            break;
        default: exit(2);
        }
    }
    if (optind + 1 != count || !options.certificate || !options.key || options.connections < 1)
        die("see the head of load.c for its options");
    options.port = atoi(values[optind]);
    if (options.mode == HOLD)
        options.requests = options.connections;
}

static void read_clients(void)
{
    BIO *file = BIO_new_file(options.certificates, "r");
    clients = file ? PEM_X509_INFO_read_bio(file, NULL, NULL, NULL) : NULL;
    if (!clients || !sk_X509_INFO_num(clients))
        die("cannot read the clients' certificates");
    BIO_free(file);
}

static void prepare(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);

    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM) != 1)
        die("cannot use the client certificate");
    if (options.certificates)
        read_clients();

    const char *common = "Host: localhost\r\nUser-Agent: load\r\nAccept: */*\r\n"
                         "Accept-Encoding: gzip, deflate\r\n"
                         "Cookie: session=0123456789abcdef0123456789abcdef\r\n";
    int size = options.post ? asprintf(&request, "POST %s HTTP/1.1\r\n%sContent-Length: %lld\r\n\r\n",
                                       options.path, common, options.post)
                            : asprintf(&request, "GET %s HTTP/1.1\r\n%s\r\n", options.path, common);
    if (size < 0)
        die("out of memory");
    request_size = (size_t)size;
    tally.latency = calloc((size_t)options.requests + 1, sizeof *tally.latency);
    poller = epoll_create1(0);
}

static void run(void)
{
    struct connection *all = calloc((size_t)options.connections, sizeof *all);
    struct epoll_event events[EVENTS];
    for (int i = 0; i < options.connections; i++) {
        all[i].fd = -1;
        all[i].phase = IDLE;
        begin_request(&all[i]);
    }
    while (tally.finished < options.requests) {
        int count = epoll_wait(poller, events, EVENTS, STALL_SECONDS * 1000);
        if (count == 0)
            die("nothing happened for 20 seconds");
        for (int i = 0; i < count; i++)
            drive(events[i].data.ptr);
    }
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void report(double seconds)
{
    long count = tally.finished;
    qsort(tally.latency, (size_t)count, sizeof *tally.latency, ascending);
    printf("{\"requests\": %ld, \"failed\": %ld, \"body_bytes\": %lld, \"seconds\": %.6f, "
           "\"p50\": %.6f, \"p99\": %.6f, \"max\": %.6f}\n",
           count, tally.failed, tally.body_bytes, seconds, tally.latency[count / 2],
           tally.latency[count * 99 / 100], tally.latency[count - 1]);
    fflush(stdout);
}

int main(int count, char **values)
{
    parse_options(count, values);
    prepare();
    double start = now();
    run();
    report(now() - start);
    if (options.mode == HOLD)
        while (read(STDIN_FILENO, buffer, sizeof buffer) > 0)
            ;
    return tally.failed ? 1 : 0;
}
