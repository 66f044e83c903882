// Stress for a JavaScript engine's memory: `engine stress.js PHASE SEED [SCALE]`.
//
// Runs under bun, WebKit's jsc shell (arguments after `--`), node, and whatever else offers `process.argv` or `arguments`.
// All choices come from SEED by integer arithmetic, and no clock, no size of the engine's own and no order of threads
// enters the checksum: it is the same on every machine, engine and page size. What is kept is checked against what it was
// made from; a difference is told as `wrong: …`. SCALE multiplies how much is done.
//
// Prints `phase PHASE seed SEED`, lines `progress N of M`, `checksum HEX` and, last, `end PHASE ok`. Where the engine lacks
// what a phase needs: `unavailable PHASE: …` in place of the checksum.

// Everything that threads share, as one function: its text is what a thread is started with.
const library = function (host) {
  "use strict";

  const wrong = (text) => {
    throw new Error(`wrong: ${text}`);
  };

  const rotated = (value, by) => (value << by) | (value >>> (32 - by));
  const mixed = (sum, value) => Math.imul(rotated(sum ^ value, 13), 0x9e3779b1) | 0;

  // Marsaglia's xorshift of 32 bits, its output multiplied.
  class Random {
    constructor(...seeds) {
      this.state = seeds.reduce(mixed, 0x2545f491) || 1;
      this.next();
    }

    next() {
      let x = this.state;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.state = x;
      return Math.imul(x, 0x2c1b3c6d) >>> 0;
    }

    below(limit) {
      return this.next() % limit;
    }

    // Small ones are as likely as large ones: a power of two first, then what lies between it and the next.
    size(low, high) {
      const powers = 32 - Math.clz32(Math.floor(high / low)) - 1;
      const from = low << this.below(powers + 1);
      return Math.min(high, from + this.below(from));
    }
  }

  // Kinds of memory that engines allocate in different heaps. `make` and `check` draw the same numbers from the same seed.
  const kinds = [
    {
      name: "record",
      make(random) {
        const record = {};
        for (let i = random.size(1, 32); i > 0; i--) record[`field${i}`] = random.next();
        return record;
      },
      check(random, record) {
        let i = random.size(1, 32);
        const good = Object.keys(record).length === i;
        for (; i > 0; i--) if (record[`field${i}`] !== random.next()) return false;
        return good;
      },
    },
    {
      name: "array",
      make(random) {
        const array = [];
        for (let i = random.size(4, 2048); i > 0; i--) array.push(i % 7 ? random.next() : { value: random.next() });
        return array;
      },
      check(random, array) {
        const length = random.size(4, 2048);
        if (array.length !== length) return false;
        return array.every((value, i) => ((length - i) % 7 ? value : value.value) === random.next());
      },
    },
    {
      name: "words",
      make(random) {
        const words = new Uint32Array(random.size(4, 65536));
        for (let i = 0; i < words.length; i += stride(words.length)) if (words[i] !== 0) wrong("fresh words are not zero");
        words.fill(random.next());
        for (let i = 0; i < words.length; i += stride(words.length)) words[i] = random.next();
        return words;
      },
      check(random, words) {
        if (words.length !== random.size(4, 65536)) return false;
        const filling = random.next();
        const step = stride(words.length);
        for (let i = 0; i < words.length; i++) if (words[i] !== (i % step ? filling : random.next())) return false;
        return true;
      },
    },
    {
      name: "text",
      make: (random) => textOf(random),
      check: (random, text) => text === textOf(random),
    },
    {
      name: "map",
      make(random) {
        const map = new Map();
        for (let i = random.size(2, 256); i > 0; i--) map.set(`key${i}`, [random.next()]);
        return map;
      },
      check(random, map) {
        let i = random.size(2, 256);
        const good = map.size === i;
        for (; i > 0; i--) if (map.get(`key${i}`)[0] !== random.next()) return false;
        return good;
      },
    },
    {
      name: "tree",
      make: (random) => branch(random, random.size(2, 256)),
      check(random, tree) {
        let count = random.size(2, 256);
        const waiting = [tree];
        for (; waiting.length; count--) {
          const node = waiting.pop();
          if (node.value !== random.next()) return false;
          if (node.right) waiting.push(node.right);
          if (node.left) waiting.push(node.left);
        }
        return count === 0;
      },
    },
  ];

  function stride(length) {
    return 1 + (length >>> 8);
  }

  function textOf(random) {
    const letter = random.below(2) ? 0x41 : 0x3b1;
    let unit = "";
    for (let i = 0; i < 16; i++) unit += String.fromCharCode(letter + random.below(24));
    return unit.repeat(random.size(1, 1024)) + unit.slice(random.below(16));
  }

  function branch(random, count) {
    const value = random.next();
    const left = (count - 1) >>> 1;
    const right = count - 1 - left;
    return { value, left: left ? branch(random, left) : null, right: right ? branch(random, right) : null };
  }

  // Something of a kind and size that `seed` decides.
  function make(seed) {
    const random = new Random(seed, 1);
    const kind = kinds[random.below(kinds.length)];
    return { seed, content: kind.make(random) };
  }

  // A number that stands for the content, once it is what it was made as.
  function checked({ seed, content }) {
    const random = new Random(seed, 1);
    const kind = kinds[random.below(kinds.length)];
    if (!kind.check(random, content)) wrong(`the contents of a ${kind.name} made from ${seed} have changed`);
    return random.next();
  }

  const TABLE = Array.from({ length: 16 }, (_, i) => Math.imul(i + 1, 0x3c6ef372) | 0);
  const POINT = { p0: 17, p1: -400009, p2: 65537, p3: 123456789 };

  // What compiled functions are made of: an operation as source, and the same done by the interpreter below.
  const operations = [
    (c) => `a = (a + ${c}) | 0;`,
    (c) => `b = (b ^ Math.imul(a, ${c | 1})) | 0;`,
    (c) => `a = (a << ${1 + (c & 15)}) | (a >>> ${31 - (c & 15)});`,
    (c) => `if (b & ${1 << (c & 31)}) a = a ^ ${c}; else b = (b + ${c}) | 0;`,
    (c) => `a = (a + table[(b >>> ${c & 15}) & 15]) | 0;`,
    (c) => `b = (b - point.p${c & 3}) | 0;`,
    (c) => `a = (a - ((b / ${3 + (c & 255)}) | 0)) | 0;`,
  ];

  function interpreted(program, x, rounds) {
    let a = x;
    let b = program.length;
    for (let i = 0; i < rounds; i++) {
      for (let at = 0; at < program.length; at += 2) {
        const c = program[at + 1];
        switch (program[at]) {
          case 0: a = (a + c) | 0; break;
          case 1: b = (b ^ Math.imul(a, c | 1)) | 0; break;
          case 2: a = rotated(a, 1 + (c & 15)); break;
          case 3: if (b & (1 << (c & 31))) a = a ^ c; else b = (b + c) | 0; break;
          case 4: a = (a + TABLE[(b >>> (c & 15)) & 15]) | 0; break;
          case 5: b = (b - POINT[`p${c & 3}`]) | 0; break;
          case 6: a = (a - ((b / (3 + (c & 255))) | 0)) | 0; break;
        }
      }
      a = (a + i) | 0;
    }
    return (a ^ b) | 0;
  }

  // A function of 2 to 64 KB once compiled, and what it must answer.
  function compile(seed, most = 220) {
    const random = new Random(seed, 2);
    const program = [];
    const lines = [];
    for (let count = random.size(7, most); count > 0; count--) {
      const operation = random.below(operations.length);
      const c = random.next() | 0;
      program.push(operation, c);
      lines.push(operations[operation](c));
    }
    const body = `let a = x, b = ${program.length}; for (let i = 0; i < rounds; i++) { ${lines.join(" ")} a = (a + i) | 0; }`;
    const call = new Function("x", "rounds", "table", "point", `${body} return (a ^ b) | 0;`);
    const x = random.next() | 0;
    return { seed, call, x, expected: interpreted(program, x, ROUNDS) };
  }

  const ROUNDS = 12;

  // Calls it until it is worth compiling; every answer must be the right one.
  function run(compiled, times) {
    for (let i = 0; i < times; i++) {
      const answer = compiled.call(compiled.x, ROUNDS, TABLE, POINT);
      if (answer !== compiled.expected) wrong(`the function made from ${compiled.seed} gave ${answer}, not ${compiled.expected}`);
    }
    return compiled.expected;
  }

  const times = (base, scale) => Math.max(1, Math.floor(base * scale));

  const THREADS = 4;
  const REPORTS = 12;

  function report(seed, thread, number) {
    return textOf(new Random(seed, 3, thread, number));
  }

  // One thread's share: slots filled and refilled at random, and texts made here that another thread frees.
  function thread(seed, number, scale, post) {
    const random = new Random(seed, 4, number);
    const slots = Array.from({ length: 64 }, () => make(random.next()));
    const steps = times(36, scale);
    let sum = 0;
    for (let i = 0; i < REPORTS; i++) {
      for (let step = 0; step < steps; step++) {
        const at = random.below(slots.length);
        sum = mixed(sum, checked(slots[at]));
        slots[at] = make(random.next());
      }
      sum = mixed(sum, run(compile(random.next(), 40), 20));
      post(`${number} ${i} ${report(seed, number, i)}`);
    }
    for (const slot of slots) sum = mixed(sum, checked(slot));
    post(`${number} end ${sum}`);
  }

  function threads(seed, scale, done) {
    let sum = 0;
    let reports = 0;
    let running = THREADS;
    host.start(THREADS, (number) => `thread(${seed}, ${number}, ${scale}, post)`, (message) => {
      const [number, what] = message.split(" ", 2);
      const rest = message.slice(number.length + what.length + 2);
      if (what === "end") {
        sum = (sum + (rest | 0)) | 0;
        running--;
      } else if (what === "error") {
        throw new Error(rest);
      } else {
        if (rest !== report(seed, number | 0, what | 0)) wrong(`report ${what} of thread ${number} has changed on its way`);
        if (++reports % THREADS === 0) host.say(`progress ${reports} of ${THREADS * REPORTS}`);
      }
      if (running === 0 && reports !== THREADS * REPORTS) wrong(`${reports} reports of ${THREADS * REPORTS} have arrived`);
      if (running === 0) done(sum);
    });
  }

  function functions(seed, scale, done) {
    const random = new Random(seed, 5);
    const table = [];
    const slots = Math.min(600, times(48, scale));
    const steps = times(80, scale);
    let sum = 0;
    for (let step = 1; step <= steps; step++) {
      const at = table.length < slots && random.below(4) ? table.length : random.below(table.length + 1) % slots;
      table[at] = compile(random.next());
      for (let i = 0; i < 4; i++) sum = mixed(sum, run(table[random.below(table.length)], 12));
      if (step % 20 === 0) host.collect(step % 40 === 0);
      if (step % 10 === 0) host.say(`progress ${step} of ${steps}`);
    }
    for (const compiled of table) sum = mixed(sum, run(compiled, 1));
    done(sum);
  }

  function collectIdle(seed, scale, done) {
    const random = new Random(seed, 6);
    const rounds = times(5, scale);
    let kept = [];
    let sum = 0;
    for (let round = 1; round <= rounds; round++) {
      for (let i = 0; i < 800; i++) kept.push(make(random.next()));
      const compiled = Array.from({ length: 12 }, () => compile(random.next(), 80));
      for (const each of compiled) sum = mixed(sum, run(each, 12));
      kept = kept.filter(() => random.below(8) === 0);
      host.collect(true);
      host.idle(400);
      for (const each of kept) sum = mixed(sum, checked(each));
      for (const each of compiled) if (random.below(4) === 0) sum = mixed(sum, run(each, 4));
      host.say(`progress ${round} of ${rounds}`);
    }
    done(sum);
  }

  // Functions become hot, and are dropped, while collections run and the compiler's threads hold what they compile.
  function compileCollect(seed, scale, done) {
    const random = new Random(seed, 7);
    const steps = times(40, scale);
    const kept = Array.from({ length: 24 }, () => make(random.next()));
    let hot = [];
    let sum = 0;
    for (let step = 1; step <= steps; step++) {
      hot.push(compile(random.next(), 160));
      for (const compiled of hot) sum = mixed(sum, run(compiled, 3));
      host.collect(random.below(6) === 0);
      const at = random.below(kept.length);
      sum = mixed(sum, checked(kept[at]));
      kept[at] = make(random.next());
      for (const compiled of hot) sum = mixed(sum, run(compiled, 3));
      if (hot.length > 8) hot = hot.filter(() => random.below(2));
      if (step % 4 === 0) host.say(`progress ${step} of ${steps}`);
    }
    done(sum);
  }

  return { thread, phases: { threads, functions, "collect-idle": collectIdle, "compile-collect": compileCollect } };
};

// What the engine at hand offers for it: words, output, collections, idling, threads.
const hosts = {
  process() {
    const fs = require("fs");
    const workers = workersOfEngine();
    const bun = globalThis.Bun;
    return {
      words: process.argv.slice(2),
      say: (line) => fs.writeSync(1, `${line}\n`),
      collect: (full) => (bun ? bun.gc(full) : globalThis.gc && globalThis.gc({ type: full ? "major" : "minor" })),
      idle: (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds),
      start: workers && function (count, call, receive) {
        const post = "(text) => require('worker_threads').parentPort.postMessage(text)";
        for (let number = 0; number < count; number++) {
          const worker = new workers.Worker(threadText(call(number), number, post), { eval: true });
          worker.on("message", (message) => told(this, () => receive(message)));
          worker.on("error", (error) => told(this, () => { throw error; }));
        }
      },
    };
  },

  shell() {
    const agent = globalThis.$ && globalThis.$.agent;
    const wait = new Int32Array(new SharedArrayBuffer(4));
    return {
      words: Array.from(globalThis.arguments || globalThis.scriptArgs || []),
      say: print,
      collect: (full) => (full ? fullGC() : edenGC()),
      idle: (milliseconds) => Atomics.wait(wait, 0, 0, milliseconds),
      start: agent && agent.start && agent.getReport && function (count, call, receive) {
        for (let number = 0; number < count; number++) {
          agent.start(`${threadText(call(number), number, "$.agent.report")}; $.agent.leaving();`);
        }
        for (let left = count; left > 0; ) {
          const message = agent.getReport();
          if (message === null) Atomics.wait(wait, 0, 0, 2);
          else receive(message);
          if (message !== null && message.split(" ", 2)[1] === "end") left--;
        }
      },
    };
  },
};

function workersOfEngine() {
  try {
    return require("worker_threads");
  } catch {
    return null;
  }
}

function threadText(call, number, post) {
  return `
    const post = ${post};
    const { thread } = (${library})({});
    try { ${call}; } catch (error) { post(${number} + " error " + error.message); }`;
}

// Says on the output what is wrong before the engine ends by it: each engine words its last message in a way of its own.
function told(host, work) {
  try {
    work();
  } catch (error) {
    host.say(String(error.message).startsWith("wrong: ") ? error.message : `error: ${error}`);
    throw error;
  }
}

function main() {
  const host = typeof process === "object" && process.argv ? hosts.process() : hosts.shell();
  const [name, seed, scale = "1"] = host.words;
  const { phases } = library(host);
  if (!Object.hasOwn(phases, name)) throw new Error(`no phase ${name}; there are ${Object.keys(phases).join(", ")}`);
  if (!/^\d+$/.test(seed) || !(Number(scale) > 0)) throw new Error(`SEED ${seed} is no whole number, or SCALE ${scale} none above 0`);
  host.say(`phase ${name} seed ${seed}`);
  if (name === "threads" && !host.start) {
    host.say("unavailable threads: this engine offers scripts no threads");
    host.say(`end ${name} ok`);
    return;
  }
  const done = (sum) => {
    host.say(`checksum ${(sum >>> 0).toString(16).padStart(8, "0")}`);
    host.say(`end ${name} ok`);
  };
  told(host, () => phases[name](Number(seed) | 0, Number(scale), done));
}

main();
