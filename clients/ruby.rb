# redis-rb against Kindred; clients/run tells how it is called.
require "redis"
require "set"

BINARY = (0..255).map(&:chr).join.b + "\r\n$-1\r\n\0".b

def connect(mode, ports)
  return Redis.new(cluster: ports.map { |p| "redis://127.0.0.1:#{p}" }, timeout: 5) if mode == "cluster"

  # A connection to a node that stays alive has no reason to be made twice.
  Redis.new(host: "127.0.0.1", port: ports[0], timeout: 5, reconnect_attempts: 0)
end

def same(got, want, what)
  abort "#{what}: got #{got.inspect}, want #{want.inspect}" unless got == want
end

def error(text)
  got = yield
rescue Redis::CommandError => e
  abort "the error is #{e.message.inspect}, want #{text.inspect}" unless e.message.start_with?(text)
else
  abort "got #{got.inspect}, want the error #{text.inspect}"
end

def checks(r)
  r.flushall
  before = r.dbsize

  same r.get("rb:none"), nil, "GET of a missing key"
  same r.set("rb:s", "hello"), "OK", "SET"
  same r.get("rb:s"), "hello", "GET"
  same r.append("rb:s", " world"), 11, "APPEND"
  same r.getrange("rb:s", -5, -1), "world", "GETRANGE"
  same r.set("rb:s", "x", nx: true), false, "SET NX of a key that is there"
  same r.getset("rb:s", "hello"), "hello world", "GETSET"
  same r.incr("rb:n"), 1, "INCR"
  same r.incrby("rb:n", 41), 42, "INCRBY"
  same r.decr("rb:n"), 41, "DECR"
  same r.incrbyfloat("rb:f", 1.5), 1.5, "INCRBYFLOAT"
  same r.set("rb:b", BINARY), "OK", "SET of a binary value"
  same r.get("rb:b").b, BINARY, "GET of a binary value"
  same r.set("rb:e", ""), "OK", "SET of an empty value"
  same r.get("rb:e"), "", "GET of an empty value"
  same r.mset("{rb}1", "a", "{rb}2", "b"), "OK", "MSET"
  same r.mget("{rb}1", "{rb}none", "{rb}2"), ["a", nil, "b"], "MGET"
  same r.exists("rb:s"), 1, "EXISTS"
  same r.type("rb:s"), "string", "TYPE"
  same r.del("rb:s"), 1, "DEL"
  same r.get("rb:s"), nil, "GET of a deleted key"

  error("ERR value is not an integer or out of range") { r.incr("rb:e") }
  error("ERR wrong number of arguments for 'get' command") { r.call([:get, "a", "b"]) }

  # The client for clusters sends a pipeline to the node of its first key, and all of its keys must share a slot.
  got = r.pipelined do |p|
    400.times do |i|
      p.set("{rb}pipe:#{i}", "v#{i}")
      p.get("{rb}pipe:#{i}")
      p.get("{rb}pipe:none:#{i}")
    end
  end
  same got, (0...400).flat_map { |i| ["OK", "v#{i}", nil] }, "a pipeline"

  names = (0...400).map { |i| "{rb}pipe:#{i}" }.to_set
  same r.scan_each(match: "{rb}pipe:*", count: 37).to_set, names, "SCAN MATCH"
  everything = names + ["{rb}1", "{rb}2", "rb:n", "rb:f", "rb:b", "rb:e"]
  same r.scan_each(count: 100).to_set, everything, "SCAN"
  same r.dbsize - before, everything.size, "DBSIZE"

  r.set("rb:x", "v", ex: 100)
  abort "TTL is #{r.ttl("rb:x")} after EX 100" unless [99, 100].include?(r.ttl("rb:x"))
  same r.persist("rb:x"), true, "PERSIST"
  same r.ttl("rb:x"), -1, "TTL without expiry"
  same r.ttl("rb:none"), -2, "TTL of a missing key"
  r.set("rb:p", "v", px: 150)
  abort "PTTL is #{r.pttl("rb:p")} after PX 150" unless (1..150).cover?(r.pttl("rb:p"))
  sleep 0.3
  same r.get("rb:p"), nil, "GET of an expired key"
  same r.exists("rb:p"), 0, "EXISTS of an expired key"
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

# Repeats a command that may run twice. CLUSTERDOWN says that nothing was done. NOQUORUM says that the command may have been
# done, so only commands that can be repeated come here: GET, and SET of the same value. Connections fail to the dead node
# only, which only the client for clusters has.
def repeated(mode)
  tries = 0
  begin
    yield
  rescue Redis::BaseError => e
    refused = e.message.start_with?("CLUSTERDOWN", "NOQUORUM")
    broken = e.is_a?(Redis::BaseConnectionError) || e.is_a?(Redis::Cluster::CommandErrorCollection)
    raise if (tries += 1) > 30 || !(refused || broken && mode == "cluster")

    $again += 1
    sleep 0.1
    retry
  end
end

def death(r, mode, state)
  $again = 0
  acked = {}
  finish = nil
  limit = now + 40
  while finish.nil? || now < finish
    key = "rb:#{mode}:#{acked.size}"
    value = "v#{acked.size}"
    same repeated(mode) { r.set(key, value) }, "OK", "SET #{key}"
    acked[key] = value
    same repeated(mode) { r.get(key) }, value, "GET #{key}"
    File.write("#{state}/begun", "") if acked.size == 20
    finish = now + 3 if finish.nil? && File.exist?("#{state}/killed")
    abort "nobody killed a node" if now > limit
    sleep 0.001
  end
  acked.each { |key, value| same repeated(mode) { r.get(key) }, value, "GET #{key} at the end" }
  File.write("#{state}/acked", acked.map { |key, value| "#{key} #{value}\n" }.join)
  puts "#{acked.size} writes, #{$again} retried"
end

what, mode, *ports = ARGV
r = connect(mode, ports)
what == "checks" ? checks(r) : death(r, mode, ENV.fetch("STATE"))
