/* hiredis against Kindred; clients/run tells how it is called. It knows no clusters, so the mode is plain. */

#define _DEFAULT_SOURCE
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static redisContext *c;

static void fail(const char *format, ...) {
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void pause_ms(long ms) {
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static redisReply *reply_of(void *reply, const char *what) {
	if (reply == NULL) fail("%s: the connection failed: %s", what, c->errstr);
	return reply;
}

/* command runs a command and wants an answer; errors of the server are answers. */
static redisReply *command(const char *format, ...) {
	va_list args;
	va_start(args, format);
	void *reply = redisvCommand(c, format, args);
	va_end(args);
	return reply_of(reply, format);
}

/* These check a reply and free it. */
static void want_bytes(redisReply *r, int type, const char *want, size_t len, const char *what) {
	if (r->type != type || r->len != len || memcmp(r->str, want, len) != 0)
		fail("%s: got type %d, %zu bytes, \"%s\"; want type %d, \"%s\"", what, r->type, (size_t)r->len, r->str ? r->str : "", type, want);
	freeReplyObject(r);
}

static void want_string(redisReply *r, const char *want, const char *what) {
	want_bytes(r, REDIS_REPLY_STRING, want, strlen(want), what);
}

static void want_ok(redisReply *r, const char *what) { want_bytes(r, REDIS_REPLY_STATUS, "OK", 2, what); }

static void want_nil(redisReply *r, const char *what) {
	if (r->type != REDIS_REPLY_NIL) fail("%s: got type %d, want nil", what, r->type);
	freeReplyObject(r);
}

static void want_integer(redisReply *r, long long low, long long high, const char *what) {
	if (r->type != REDIS_REPLY_INTEGER || r->integer < low || r->integer > high)
		fail("%s: got type %d, %lld \"%s\"; want an integer of %lld to %lld", what, r->type, r->integer, r->str ? r->str : "", low, high);
	freeReplyObject(r);
}

static void want_error(redisReply *r, const char *text, const char *what) {
	if (r->type != REDIS_REPLY_ERROR || strstr(r->str, text) == NULL)
		fail("%s: got type %d, \"%s\"; want the error \"%s\"", what, r->type, r->str ? r->str : "", text);
	freeReplyObject(r);
}

static void strings(void) {
	char binary[260];
	for (int i = 0; i < 256; i++) binary[i] = (char)i;
	memcpy(binary + 256, "\r\n\0$", 4);

	want_bytes(command("PING"), REDIS_REPLY_STATUS, "PONG", 4, "PING");
	want_nil(command("GET hi:none"), "GET of a missing key");
	want_ok(command("SET hi:s hello"), "SET");
	want_string(command("GET hi:s"), "hello", "GET");
	want_integer(command("APPEND hi:s %s", " world"), 11, 11, "APPEND");
	want_string(command("GETRANGE hi:s -5 -1"), "world", "GETRANGE");
	want_nil(command("SET hi:s x NX"), "SET NX of a key that is there");
	want_integer(command("INCR hi:n"), 1, 1, "INCR");
	want_integer(command("INCRBY hi:n 41"), 42, 42, "INCRBY");
	want_ok(command("SET hi:b %b", binary, sizeof binary), "SET of a binary value");
	want_bytes(command("GET hi:b"), REDIS_REPLY_STRING, binary, sizeof binary, "GET of a binary value");
	want_ok(command("SET hi:e %b", "", (size_t)0), "SET of an empty value");
	want_string(command("GET hi:e"), "", "GET of an empty value");
	want_ok(command("MSET hi:1 a hi:2 b"), "MSET");

	redisReply *r = command("MGET hi:1 hi:none hi:2");
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3 || r->element[1]->type != REDIS_REPLY_NIL ||
	    strcmp(r->element[0]->str, "a") != 0 || strcmp(r->element[2]->str, "b") != 0)
		fail("MGET: got type %d, %zu elements", r->type, r->elements);
	freeReplyObject(r);

	want_error(command("INCR hi:e"), "ERR value is not an integer or out of range", "INCR of a string");
	want_error(command("NOSUCHCOMMAND"), "ERR unknown command 'NOSUCHCOMMAND'", "an unknown command");
	want_error(command("GET a b"), "ERR wrong number of arguments for 'get' command", "GET a b");
}

static void expiry(void) {
	want_ok(command("SET hi:x v EX 100"), "SET EX");
	want_integer(command("TTL hi:x"), 99, 100, "TTL");
	want_integer(command("PERSIST hi:x"), 1, 1, "PERSIST");
	want_integer(command("TTL hi:x"), -1, -1, "TTL without expiry");
	want_integer(command("TTL hi:none"), -2, -2, "TTL of a missing key");
	want_ok(command("SET hi:p v PX 150"), "SET PX");
	want_integer(command("PTTL hi:p"), 1, 150, "PTTL");
	pause_ms(300);
	want_nil(command("GET hi:p"), "GET of an expired key");
	want_integer(command("EXISTS hi:p"), 0, 0, "EXISTS of an expired key");
}

static void pipelines(void) {
	for (int i = 0; i < 400; i++) {
		redisAppendCommand(c, "SET hi:pipe:%d v%d", i, i);
		redisAppendCommand(c, "GET hi:pipe:%d", i);
		redisAppendCommand(c, "INCR hi:pipe:%d", i);
	}
	for (int i = 0; i < 400; i++) {
		char want[32];
		void *reply = NULL;
		snprintf(want, sizeof want, "v%d", i);
		redisGetReply(c, &reply);
		want_ok(reply_of(reply, "a pipeline"), "SET in a pipeline");
		redisGetReply(c, &reply);
		want_string(reply_of(reply, "a pipeline"), want, "GET in a pipeline");
		redisGetReply(c, &reply);
		want_error(reply_of(reply, "a pipeline"), "ERR value is not an integer", "INCR in a pipeline");
	}
}

/* scan sees every hi:pipe: key; the other keys come too. */
static void scan(long long before) {
	char seen[400] = {0}, cursor[64] = "0";
	int found = 0, others = 0;
	do {
		redisReply *r = command("SCAN %s COUNT 50", cursor);
		if (r->type != REDIS_REPLY_ARRAY || r->elements != 2) fail("SCAN: got type %d", r->type);
		snprintf(cursor, sizeof cursor, "%s", r->element[0]->str);
		for (size_t i = 0; i < r->element[1]->elements; i++) {
			int n;
			if (sscanf(r->element[1]->element[i]->str, "hi:pipe:%d", &n) != 1) {
				others++;
			} else if (n >= 0 && n < 400 && !seen[n]) {
				seen[n] = 1;
				found++;
			}
		}
		freeReplyObject(r);
	} while (strcmp(cursor, "0") != 0);
	if (found != 400 || others < 6) fail("SCAN found %d of 400 keys, and %d of 6 others", found, others);
	want_integer(command("DBSIZE"), before + 406, before + 406, "DBSIZE");
}

static void resp3(void) {
#ifdef REDIS_REPLY_MAP
	redisReply *r = command("HELLO 3");
	if (r->type != REDIS_REPLY_MAP) fail("HELLO 3: got type %d, want a map", r->type);
	freeReplyObject(r);
	want_nil(command("GET hi:none"), "GET of a missing key with RESP3");
#endif
}

static void checks(void) {
	want_ok(command("FLUSHALL"), "FLUSHALL");
	redisReply *r = command("DBSIZE");
	long long before = r->integer;
	freeReplyObject(r);
	strings();
	pipelines();
	scan(before);
	expiry();
	resp3();
}

/* repeated runs a command that may run twice. CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may
 * have been done, so only commands that can be repeated come here: GET, and SET of the same value. The connection leads
 * to a node that stays alive, so it must not fail. */
static int again;
static redisReply *repeated(const char *format, int i) {
	for (int tries = 0;; tries++) {
		redisReply *r = reply_of(redisCommand(c, format, i, i), format);
		int transient = r->type == REDIS_REPLY_ERROR && (strncmp(r->str, "CLUSTERDOWN", 11) == 0 || strncmp(r->str, "NOQUORUM", 8) == 0);
		if (!transient || tries == 30) return r;
		freeReplyObject(r);
		again++;
		pause_ms(100);
	}
}

static void death(const char *state) {
	char begun[4096], killed[4096], acked[4096], want[32];
	snprintf(begun, sizeof begun, "%s/begun", state);
	snprintf(killed, sizeof killed, "%s/killed", state);
	snprintf(acked, sizeof acked, "%s/acked", state);
	double end = 0, limit = now() + 40;
	int n = 0;
	for (; end == 0 || now() < end; n++) {
		want_ok(repeated("SET hi:plain:%d v%d", n), "SET");
		snprintf(want, sizeof want, "v%d", n);
		want_string(repeated("GET hi:plain:%d", n), want, "GET");
		if (n == 20) fclose(fopen(begun, "w"));
		if (end == 0 && access(killed, F_OK) == 0) end = now() + 3;
		if (now() > limit) fail("nobody killed a node");
		pause_ms(1);
	}
	FILE *f = fopen(acked, "w");
	for (int i = 0; i < n; i++) {
		snprintf(want, sizeof want, "v%d", i);
		want_string(repeated("GET hi:plain:%d", i), want, "GET at the end");
		fprintf(f, "hi:plain:%d v%d\n", i, i);
	}
	fclose(f);
	printf("%d writes, %d retried\n", n, again);
}

int main(int argc, char **argv) {
	if (argc != 4 || strcmp(argv[2], "plain") != 0) fail("usage: hiredis checks|death plain PORT");
	struct timeval timeout = {5, 0};
	c = redisConnectWithTimeout("127.0.0.1", atoi(argv[3]), timeout);
	if (c == NULL || c->err) fail("cannot connect: %s", c ? c->errstr : "no memory");
	redisSetTimeout(c, timeout);
	if (strcmp(argv[1], "checks") == 0)
		checks();
	else
		death(getenv("STATE"));
	redisFree(c);
	return 0;
}
