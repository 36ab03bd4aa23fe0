'use strict';
// Reads a pattern in the syntax of Rust's `regex` crate, which is also Kusto's, and says what is wrong with it.
//
// Kusto's language service treats a pattern as an opaque string, so nothing else on this side of the cloud
// would notice a look-ahead or an unbalanced bracket. The reader is deliberately narrow: what it does not
// know it refuses. It does not estimate the size of the compiled program (Rust refuses above 10 MB).

/** Kusto's documented limit on capturing groups in one pattern. */
const MAX_GROUPS = 16;

class RegexError extends Error {}

class Reader {
  constructor(pattern) {
    this.chars = Array.from(pattern);
    this.at = 0;
    this.groups = 0;
  }

  peek(offset = 0) { return this.chars[this.at + offset]; }
  done() { return this.at >= this.chars.length; }
  looking(text) { return Array.from(text).every((c, i) => this.peek(i) === c); }
  fail(what) { throw new RegexError(`${what} at character ${this.at + 1}`); }
  take(text) {
    if (!this.looking(text)) return false;
    this.at += Array.from(text).length;
    return true;
  }

  alternation(depth) {
    if (depth > 250) this.fail('groups are nested too deeply');
    do { this.sequence(depth); } while (this.take('|'));
  }

  sequence(depth) {
    let repeatable = false;
    while (!this.done() && this.peek() !== '|' && this.peek() !== ')') {
      const c = this.peek();
      if (c === '*' || c === '+' || c === '?' || c === '{') {
        if (!repeatable) this.fail(`repetition operator '${c}' has nothing to repeat`);
        this.repetition();
        continue; // Rust allows a** and the like
      }
      repeatable = this.atom(depth);
    }
  }

  repetition() {
    if (this.take('*') || this.take('+') || this.take('?')) { this.take('?'); return; }
    const rest = this.chars.slice(this.at).join('');
    const bounds = /^\{(\d+)(?:,(\d*))?\}\??/.exec(rest);
    if (!bounds) this.fail('a counted repetition must be {n}, {n,} or {n,m}');
    const [whole, low, high] = bounds;
    if (high && Number(high) < Number(low)) this.fail('a counted repetition ends before it begins');
    if (Number(high || low) > 1000) this.fail('a counted repetition above 1000 will not compile in time');
    this.at += whole.length;
  }

  /** Reads one atom; returns whether a repetition may follow it. */
  atom(depth) {
    const c = this.peek();
    if (c === '(') return this.group(depth);
    if (c === '[') { this.charClass(0); return true; }
    if (c === '\\') { this.escape(false); return true; }
    this.at += 1;
    return true;
  }

  group(depth) {
    for (const [text, name] of [['(?=', 'look-ahead'], ['(?!', 'look-ahead'], ['(?<=', 'look-behind'],
      ['(?<!', 'look-behind'], ['(?>', 'atomic group'], ['(?P=', 'backreference'], ['(?#', 'comment group'],
      ['(?(', 'conditional']]) {
      if (this.looking(text)) this.fail(`${name} '${text}' is not supported`);
    }
    this.at += 1;
    if (this.take('?')) {
      if (this.take('P<') || this.take('<')) {
        this.groups += 1;
        let name = '';
        while (!this.done() && this.peek() !== '>') { name += this.peek(); this.at += 1; }
        if (!/^[A-Za-z_][A-Za-z0-9_.[\]]*$/.test(name) || !this.take('>')) this.fail('bad group name');
      } else {
        let flags = '';
        while (!this.done() && /[imsUuxR-]/.test(this.peek())) { flags += this.peek(); this.at += 1; }
        if (/-$|-.*-/.test(flags)) this.fail('bad flags');
        if (/x/.test(flags)) this.fail('verbose mode is not read by this checker');
        if (this.take(')')) { if (!flags) this.fail('flags are missing'); return false; }
        if (!this.take(':')) this.fail(`unknown flag or group '${this.peek() ?? 'end'}'`);
      }
    } else {
      this.groups += 1;
    }
    this.alternation(depth + 1);
    if (!this.take(')')) this.fail('a group is not closed');
    return true;
  }

  escape(inClass) {
    this.at += 1;
    const c = this.peek();
    if (c === undefined) this.fail('the pattern ends in a backslash');
    this.at += 1;
    if (/[0-9]/.test(c)) this.fail('backreferences and octal escapes are not supported');
    if (/[dDsSwWafnrtv]/.test(c)) return;
    if (c === 'x' || c === 'u' || c === 'U') return this.codepoint(c);
    if (c === 'p' || c === 'P') {
      if (this.take('{')) {
        while (!this.done() && this.peek() !== '}') this.at += 1;
        if (!this.take('}')) this.fail('a Unicode class is not closed');
      } else if (/[A-Z]/.test(this.peek() ?? '')) this.at += 1;
      else this.fail('bad Unicode class');
      return;
    }
    if (!inClass && c === 'b') { this.take('{start}') || this.take('{end}') || this.take('{start-half}') || this.take('{end-half}'); return; }
    if (!inClass && /[ABz<>]/.test(c)) return;
    // Every ASCII character that is no letter, digit or angle bracket may be escaped.
    if (c.codePointAt(0) < 128 && !/[A-Za-z0-9<>\s]/.test(c)) return;
    this.fail(`unknown escape '\\${c}'`);
  }

  codepoint(kind) {
    const rest = this.chars.slice(this.at).join('');
    const digits = { x: 2, u: 4, U: 8 }[kind];
    const found = /^\{([0-9A-Fa-f]{1,8})\}/.exec(rest) ?? new RegExp(`^([0-9A-Fa-f]{${digits}})`).exec(rest);
    if (!found) this.fail('bad hexadecimal escape');
    const value = parseInt(found[1], 16);
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) this.fail('no such character');
    this.at += found[0].length;
  }

  charClass(depth) {
    if (depth > 50) this.fail('classes are nested too deeply');
    this.at += 1;
    this.take('^');
    let first = true;
    if (this.looking('-')) { while (this.take('-')) { /* leading dashes are literal */ } first = false; }
    for (;;) {
      if (this.done()) this.fail('a class is not closed');
      if (this.peek() === ']' && !first) { this.at += 1; return; }
      first = false;
      for (const set of ['&&', '--', '~~']) if (this.looking(set)) this.fail(`'${set}' is a set operator in a class`);
      if (this.peek() === '[') {
        const posix = /^\[:\^?([a-z]+):\]/.exec(this.chars.slice(this.at).join(''));
        if (posix) {
          if (!/^(alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit)$/.test(posix[1])) this.fail('unknown POSIX class');
          this.at += posix[0].length;
        } else this.charClass(depth + 1);
        continue;
      }
      const item = this.classItem();
      if (this.peek() === '-' && this.peek(1) !== ']' && this.peek(1) !== '-' && this.peek(1) !== undefined) {
        this.at += 1;
        if (item === null || this.peek() === '[') this.fail('a range needs two characters');
        const high = this.classItem();
        if (high === null) this.fail('a range needs two characters');
        if (high < item) this.fail('a range ends before it begins');
      }
    }
  }

  /** The code point of a literal in a class; null for a class escape such as \d. */
  classItem() {
    const start = this.at;
    if (this.peek() !== '\\') { this.at += 1; return this.chars[start].codePointAt(0); }
    this.escape(true);
    const text = this.chars.slice(start + 1, this.at).join('');
    if (/^[dDsSwWpP]/.test(text)) return null;
    const control = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }[text];
    if (control !== undefined) return control;
    if (/^[xuU]/.test(text)) return parseInt(text.replace(/[xuU{}]/g, ''), 16);
    return text.codePointAt(0);
  }
}

/** What is wrong with `pattern`: `{ groups, problems: [text] }`. */
function checkRegex(pattern) {
  const reader = new Reader(pattern);
  try {
    reader.alternation(0);
    if (!reader.done()) reader.fail("')' closes nothing");
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    return { groups: reader.groups, problems: [error.message] };
  }
  const problems = [];
  if (reader.groups > MAX_GROUPS) problems.push(`${reader.groups} capturing groups, Kusto takes ${MAX_GROUPS}`);
  return { groups: reader.groups, problems };
}

module.exports = { checkRegex, MAX_GROUPS };
