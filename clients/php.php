<?php
// phpredis against Kindred; clients/run tells how it is called.

const MISSING = false; // what phpredis returns for nil

function fail(string $text): void
{
    fwrite(STDERR, "$text\n");
    exit(1);
}

function same($got, $want, string $what): void
{
    if ($got !== $want) {
        fail("$what: got " . var_export($got, true) . ', want ' . var_export($want, true));
    }
}

/** failed checks that the last command returned false because of an error of the server. */
function failed($r, $got, string $text, string $what): void
{
    same($got, false, $what);
    $error = (string)$r->getLastError();
    if (!str_starts_with($error, $text)) {
        fail("$what: the error is '$error', want '$text'");
    }
    $r->clearLastError();
}

function connect(string $mode, array $ports)
{
    if ($mode === 'cluster') {
        $r = new RedisCluster(null, array_map(fn($p) => "127.0.0.1:$p", $ports), 5, 5);
        $r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
        return $r;
    }
    $r = new Redis();
    $r->connect('127.0.0.1', (int)$ports[0], 5);
    $r->setOption(Redis::OPT_READ_TIMEOUT, 5);
    $r->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    // A connection to a node that stays alive has no reason to be made twice.
    $r->setOption(Redis::OPT_MAX_RETRIES, 0);
    return $r;
}

/** scan returns every key, sorted, of all nodes in the case of a cluster. */
function scan($r, string $mode, ?string $pattern, int $count): array
{
    $found = [];
    foreach ($mode === 'cluster' ? $r->_masters() : [null] as $node) {
        $cursor = null;
        do {
            $keys = $node === null ? $r->scan($cursor, $pattern, $count) : $r->scan($cursor, $node, $pattern, $count);
            foreach ($keys ?: [] as $key) {
                $found[$key] = true;
            }
        } while ($cursor > 0);
    }
    $keys = array_map('strval', array_keys($found));
    sort($keys);
    return $keys;
}

function size($r, array $nodes): int
{
    return $nodes ? array_sum(array_map(fn($n) => $r->dbSize($n), $nodes)) : $r->dbSize();
}

function checks($r, string $mode): void
{
    $nodes = $mode === 'cluster' ? $r->_masters() : [];
    $nodes ? array_map(fn($n) => $r->flushAll($n), $nodes) : $r->flushAll();
    $before = size($r, $nodes);

    same($r->get('php:none'), MISSING, 'GET of a missing key');
    same($r->set('php:s', 'hello'), true, 'SET');
    same($r->get('php:s'), 'hello', 'GET');
    same($r->append('php:s', ' world'), 11, 'APPEND');
    same($r->getRange('php:s', -5, -1), 'world', 'GETRANGE');
    same($r->set('php:s', 'x', ['nx']), false, 'SET NX of a key that is there');
    same($r->getSet('php:s', 'hello'), 'hello world', 'GETSET');
    same($r->incr('php:n'), 1, 'INCR');
    same($r->incrBy('php:n', 41), 42, 'INCRBY');
    same($r->decr('php:n'), 41, 'DECR');
    same($r->incrByFloat('php:f', 1.5), 1.5, 'INCRBYFLOAT');
    $binary = implode('', array_map('chr', range(0, 255))) . "\r\n$-1\r\n\0";
    same($r->set('php:b', $binary), true, 'SET of a binary value');
    same($r->get('php:b'), $binary, 'GET of a binary value');
    same($r->set('php:e', ''), true, 'SET of an empty value');
    same($r->get('php:e'), '', 'GET of an empty value');
    same($r->mSet(['{php}1' => 'a', '{php}2' => 'b']), true, 'MSET');
    same($r->mGet(['{php}1', '{php}none', '{php}2']), ['a', MISSING, 'b'], 'MGET');
    same($r->exists('php:s'), 1, 'EXISTS');
    same($r->type('php:s'), Redis::REDIS_STRING, 'TYPE');
    same($r->del('php:s'), 1, 'DEL');
    same($r->get('php:s'), MISSING, 'GET of a deleted key');

    failed($r, $r->incr('php:e'), 'ERR value is not an integer or out of range', 'INCR of a string');
    $wrong = $nodes ? $r->rawCommand('a', 'GET', 'a', 'b') : $r->rawCommand('GET', 'a', 'b');
    failed($r, $wrong, "ERR wrong number of arguments for 'get' command", 'GET a b');

    // This release of phpredis has no pipelines of a cluster; there the commands go one by one.
    $p = $nodes ? $r : $r->pipeline();
    $got = [];
    $want = [];
    for ($i = 0; $i < 400; $i++) {
        array_push($got, $p->set("php:pipe:$i", "v$i"), $p->get("php:pipe:$i"), $p->get("php:pipe:none:$i"));
        array_push($want, true, "v$i", MISSING);
    }
    same($nodes ? $got : $p->exec(), $want, 'a pipeline');

    $names = array_map(fn($i) => "php:pipe:$i", range(0, 399));
    sort($names);
    same(scan($r, $mode, 'php:pipe:*', 37), $names, 'SCAN MATCH');
    $everything = array_merge($names, ['{php}1', '{php}2', 'php:n', 'php:f', 'php:b', 'php:e']);
    sort($everything);
    same(scan($r, $mode, null, 100), $everything, 'SCAN');
    same(size($r, $nodes) - $before, count($everything), 'DBSIZE');

    $r->set('php:x', 'v', ['ex' => 100]);
    if (!in_array($r->ttl('php:x'), [99, 100], true)) {
        fail('TTL is ' . $r->ttl('php:x') . ' after EX 100');
    }
    same($r->persist('php:x'), true, 'PERSIST');
    same($r->ttl('php:x'), -1, 'TTL without expiry');
    same($r->ttl('php:none'), -2, 'TTL of a missing key');
    $r->set('php:p', 'v', ['px' => 150]);
    $left = $r->pttl('php:p');
    if ($left < 1 || $left > 150) {
        fail("PTTL is $left after PX 150");
    }
    usleep(300000);
    same($r->get('php:p'), MISSING, 'GET of an expired key');
    same($r->exists('php:p'), 0, 'EXISTS of an expired key');
}

/**
 * repeated runs a command that may run twice. CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may
 * have been done, so only commands that can be repeated come here: GET, and SET of the same value. Connections fail to the
 * dead node only, which only the client for clusters has.
 */
function repeated($r, string $mode, callable $call)
{
    global $again;
    for ($tries = 0;; $tries++) {
        try {
            $got = $call();
            $error = (string)$r->getLastError();
            $r->clearLastError();
            if ($error === '') {
                return $got;
            }
            $may = str_starts_with($error, 'CLUSTERDOWN') || str_starts_with($error, 'NOQUORUM');
        } catch (RedisException | RedisClusterException $e) {
            $error = $e->getMessage();
            $may = $mode === 'cluster' || str_starts_with($error, 'CLUSTERDOWN') || str_starts_with($error, 'NOQUORUM');
        }
        if (!$may || $tries === 30) {
            fail($error);
        }
        $again++;
        usleep(100000);
    }
}

function death($r, string $mode, string $state): void
{
    global $again;
    $again = 0;
    $acked = [];
    $end = null;
    $limit = microtime(true) + 40;
    while ($end === null || microtime(true) < $end) {
        $key = "php:$mode:" . count($acked);
        $value = 'v' . count($acked);
        same(repeated($r, $mode, fn() => $r->set($key, $value)), true, "SET $key");
        $acked[$key] = $value;
        same(repeated($r, $mode, fn() => $r->get($key)), $value, "GET $key");
        if (count($acked) === 20) {
            touch("$state/begun");
        }
        clearstatcache();
        if ($end === null && file_exists("$state/killed")) {
            $end = microtime(true) + 3;
        }
        if (microtime(true) > $limit) {
            fail('nobody killed a node');
        }
        usleep(1000);
    }
    $lines = '';
    foreach ($acked as $key => $value) {
        same(repeated($r, $mode, fn() => $r->get($key)), $value, "GET $key at the end");
        $lines .= "$key $value\n";
    }
    file_put_contents("$state/acked", $lines);
    echo count($acked), " writes, $again retried\n";
}

[, $what, $mode] = $argv;
$r = connect($mode, array_slice($argv, 3));
$what === 'checks' ? checks($r, $mode) : death($r, $mode, getenv('STATE'));
