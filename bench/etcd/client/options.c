#include "options.h"
#include "cpu.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: etcd-load MODE --endpoints HOST:PORT[,…] [options]\n"
    "\n"
    "modes   put    keys in turn; --count N once through N keys is a fill\n"
    "        txn    an API server's update: if mod revision = N put, else get; each slot has keys of its own\n"
    "        get    one key; --serializable\n"
    "        list   --limit keys under the prefix; every answer must have as many\n"
    "        call   any unary call: --path /package.Service/Method --message HEX\n"
    "        watch  --watches on each connection, one writer; every watch must get every put, in order\n"
    "        probe  --rate puts a second to the endpoints in turn: the longest time without an answer\n"
    "        ready  until the first linearizable get succeeds\n"
    "\n"
    "  --connections N (1)     --streams N (1): requests under way on each\n"
    "  --warm-up S (0)         --seconds S, or --count N (with both: in time, or the run fails)\n"
    "  --prefix TEXT           --keys N (1)      --value-bytes N (256)    --limit N (500)\n"
    "  --writers N (0)         --rate N (0: no pause between puts)\n"
    "  --watches N (1)         --separate-streams   --backlog N (100)\n"
    "  --ca FILE: TLS          --pids N,…: servers whose CPU time is counted\n";

static _Noreturn void usage(const char *wrong) {
  fprintf(stderr, "etcd-load: %s\n%s", wrong, USAGE);
  exit(2);
}

static uint64_t number(const char *text) {
  char *end;
  uint64_t value = strtoull(text, &end, 10);
  if (end == text || *end != '\0') usage("a number was expected");
  return value;
}

static uint64_t seconds(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || value < 0) usage("a number of seconds was expected");
  return (uint64_t)(value * 1e9);
}

static void read_endpoints(struct options *options, char *text) {
  for (char *rest, *each = strtok_r(text, ",", &rest); each != NULL; each = strtok_r(NULL, ",", &rest)) {
    if (options->endpoint_count == ENDPOINTS_MAX) usage("too many endpoints");
    struct endpoint *endpoint = &options->endpoints[options->endpoint_count++];
    char *colon = strrchr(each, ':');
    if (colon == NULL || strlen(colon) > 7 || colon - each > 63) usage("an endpoint is HOST:PORT");
    snprintf(endpoint->host, sizeof endpoint->host, "%.*s", (int)(colon - each), each);
    snprintf(endpoint->port, sizeof endpoint->port, "%.7s", colon + 1);
    snprintf(endpoint->authority, sizeof endpoint->authority, "%s", each);
  }
}

static void read_hex(struct bytes *bytes, const char *text) {
  unsigned byte;
  for (; *text != '\0'; text += 2) {
    if (sscanf(text, "%2x", &byte) != 1 || text[1] == '\0') usage("--message: pairs of hexadecimal digits");
    bytes_append(bytes, &(uint8_t){(uint8_t)byte}, 1);
  }
}

/* Every option has a letter for the switch below; only the long names are told. */
static const struct option LONG[] = {
    {"endpoints", required_argument, NULL, 'e'},   {"connections", required_argument, NULL, 'c'},
    {"streams", required_argument, NULL, 's'},     {"warm-up", required_argument, NULL, 'u'},
    {"seconds", required_argument, NULL, 'd'},     {"count", required_argument, NULL, 'n'},
    {"prefix", required_argument, NULL, 'p'},      {"keys", required_argument, NULL, 'k'},
    {"value-bytes", required_argument, NULL, 'v'}, {"limit", required_argument, NULL, 'l'},
    {"serializable", no_argument, NULL, 'z'},      {"writers", required_argument, NULL, 'w'},
    {"rate", required_argument, NULL, 'r'},        {"watches", required_argument, NULL, 'W'},
    {"separate-streams", no_argument, NULL, 'S'},  {"backlog", required_argument, NULL, 'b'},
    {"path", required_argument, NULL, 'P'},        {"message", required_argument, NULL, 'm'},
    {"ca", required_argument, NULL, 'a'},          {"pids", required_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

static void read_option(struct options *options, int letter) {
  switch (letter) {
    case 'e': return read_endpoints(options, optarg);
    case 'c': options->connections = (unsigned)number(optarg); return;
    case 's': options->streams = (unsigned)number(optarg); return;
    case 'u': options->warm_up_ns = seconds(optarg); return;
    case 'd': options->duration_ns = seconds(optarg); return;
    case 'n': options->count = number(optarg); return;
    case 'p': options->prefix = optarg; return;
    case 'k': options->keys = number(optarg); return;
    case 'v': options->value_bytes = number(optarg); return;
    case 'l': options->limit = number(optarg); return;
    case 'z': options->is_serializable = true; return;
    case 'w': options->writers = (unsigned)number(optarg); return;
    case 'r': options->rate = number(optarg); return;
    case 'W': options->watches = (unsigned)number(optarg); return;
    case 'S': options->has_separate_streams = true; return;
    case 'b': options->backlog = number(optarg); return;
    case 'P': options->path = optarg; return;
    case 'm': return read_hex(&options->message, optarg);
    case 'a': return tls_trust(optarg);
    case 'i': return cpu_servers(optarg);
    default: usage("see above");
  }
}

struct options read_options(int count, char **words) {
  struct options options = {
      .connections = 1,
      .streams = 1,
      .keys = 1,
      .value_bytes = 256,
      .limit = 500,
      .watches = 1,
      .backlog = 100,
      .prefix = "/registry/bench/",
      .path = "",
  };
  if (count < 2) usage("a mode was expected");
  options.mode = words[1];
  for (int letter; (letter = getopt_long(count - 1, words + 1, "", LONG, NULL)) != -1;)
    read_option(&options, letter);
  if (optind != count - 1) usage("only one mode was expected");
  if (options.endpoint_count == 0) usage("--endpoints is missing");
  if (options.connections == 0 || options.streams == 0 || options.keys == 0 || options.watches == 0)
    usage("0 is too few");
  return options;
}
