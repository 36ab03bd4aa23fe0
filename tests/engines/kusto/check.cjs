'use strict';
// Checks KQL with Microsoft's own parser and binder, and adds what the binder lets through.
//
//   node check.cjs TABLES.json < queries.jsonl > diagnostics.jsonl
//   node check.cjs TABLES.json --self-test
//
// in:  {"name", "schema": "defender" | "sentinel", "query"}                        one object a line
// out: {"name", "diagnostics": [{severity, code, message, start, end}], "columns": [{name, type}]}, same order
//
// TABLES.json is {"defender": {table: {column: type}}, "sentinel": {...}}; it may also hold
// "functions": {family: {name: ["(parameters)", "{ body }"]}} for the stored functions of a workspace.
// A code that begins with KS is Microsoft's; the lower-case ones are declared here. The exit status is 0
// whenever every line was answered: judging the diagnostics is the caller's business.

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { checkRegex } = require('./rust-regex.cjs');

// The package is installed outside the source tree; ARCANARY_NODE_MODULES names that folder.
const modules = process.env.ARCANARY_NODE_MODULES;
const load = modules ? createRequire(path.join(path.resolve(modules), 'x.cjs')) : require;
const service = '@kusto/language-service-next';
globalThis.Bridge = load(`${service}/bridge.min.js`);
load(`${service}/Kusto.Language.Bridge.min.js`);
const { KustoCode, GlobalState, Symbols, Syntax } = globalThis.Kusto.Language;

/** A scheduled rule of Sentinel takes a query of at most this many characters. */
const SENTINEL_MAX = 10000;
const TYPES = new Set(['bool', 'datetime', 'decimal', 'dynamic', 'guid', 'int', 'long', 'real', 'string', 'timespan']);
const NUMERIC = new Set(['int', 'long', 'real', 'decimal']);
/** Which argument of these functions is a regular expression. */
const REGEX_ARGUMENT = { extract: 0, extract_all: 0, countof: 1, replace_regex: 1, parse_regex: 0, trim: 0, trim_start: 0, trim_end: 0 };

function globalsOf(family, tables, functions) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const declared = Object.entries(columns).map(([column, type]) => {
      if (!TYPES.has(type)) throw new Error(`${family}.${name}.${column}: unknown type ${type}`);
      return `['${column}']:${type}`;
    });
    return Symbols.TableSymbol.From(`(${declared.join(', ')})`).WithName(name);
  });
  for (const [name, [parameters, body]] of Object.entries(functions ?? {})) {
    symbols.push(new Symbols.FunctionSymbol.$ctor16(name, parameters, body, null));
  }
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor(family, symbols));
}

function loadFamilies(file) {
  const { functions = {}, ...rest } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const families = new Map();
  for (const [family, tables] of Object.entries(rest)) {
    if (typeof tables === 'object') families.set(family, globalsOf(family, tables, functions[family]));
  }
  return families;
}

const typeOf = (node) => (node && node.ResultType ? node.ResultType.Name : undefined);
const kindOf = (node) => node.constructor.$$name.replace('Kusto.Language.Syntax.', '');
const elements = (list) => {
  const found = [];
  for (let i = 0; list && i < list.Count; i += 1) found.push(list.getItem(i).Element$1 ?? list.getItem(i).Element ?? list.getItem(i));
  return found;
};

/** The text of a constant: a literal, a name that `let` gives one, or `strcat` of such, which Kusto folds before it runs. */
const constant = (node) => {
  if (!node || typeof node.ConstantValue === 'string') return node && node.ConstantValue;
  if (kindOf(node) !== 'FunctionCallExpression' || node.Name.SimpleName !== 'strcat') return undefined;
  const parts = elements(node.ArgumentList.Expressions).map(constant);
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
};

/** Findings of our own in one analysed query. */
function extraDiagnostics(code, family, query) {
  const found = [];
  const add = (error, message, node) => found.push({
    severity: 'Error', code: error, message,
    start: node ? node.TextStart : 0, end: node ? node.End : query.length,
  });
  const regex = (node) => {
    const pattern = constant(node);
    if (typeof pattern !== 'string') {
      add('regex-not-constant', 'a regular expression must be a constant', node);
      return;
    }
    for (const problem of checkRegex(pattern).problems) add('regex', `${problem}: ${pattern}`, node);
  };
  const mismatch = (left, right) => {
    const [a, b] = [typeOf(left), typeOf(right)];
    if ((NUMERIC.has(a) && b === 'string') || (a === 'string' && NUMERIC.has(b))) {
      add('type-mismatch', `${a} is compared with ${b}`, right);
    }
  };

  code.Syntax.WalkNodes((node) => {
    switch (kindOf(node)) {
      case 'BinaryExpression':
        if (node.Operator.Text.replace(/\s+/g, ' ') === 'matches regex') regex(node.Right);
        else if (!['and', 'or'].includes(node.Operator.Text)) mismatch(node.Left, node.Right);
        break;
      case 'InExpression':
        for (const value of elements(node.Right.Expressions)) mismatch(node.Left, value);
        break;
      case 'FunctionCallExpression': {
        const name = node.Name.SimpleName;
        const position = Object.hasOwn(REGEX_ARGUMENT, name) ? REGEX_ARGUMENT[name] : -1;
        const values = elements(node.ArgumentList.Expressions);
        if (name === 'countof' && !(values[2] && values[2].ConstantValue === 'regex')) break;
        if (position >= 0 && values[position]) regex(values[position]);
        break;
      }
      case 'SearchOperator':
        add('search', '`search` reads every column; a scheduled rule must not use it', node);
        break;
      case 'UnionOperator':
        for (const source of elements(node.Expressions)) {
          if (source.Name && kindOf(source.Name) === 'WildcardedName') {
            add('union-wildcard', `\`union ${source.toString().trim()}\` reads tables that nobody named`, source);
          }
        }
        break;
      case 'JoinOperator': {
        const named = elements(node.Parameters).some((p) => p.Name && p.Name.SimpleName === 'kind');
        if (!named) add('join-kind', '`join` without a kind is innerunique and loses rows', node);
        break;
      }
      default:
    }
  });

  if (query.trim() === '') add('empty', 'the query is empty');
  else if (code.ResultType && code.ResultType.Columns === undefined) add('not-tabular', 'the query does not return rows');
  if (family === 'sentinel' && query.length > SENTINEL_MAX) {
    add('query-length', `${query.length} characters; a Sentinel rule takes ${SENTINEL_MAX}`);
  }
  return found;
}

function check(families, { name, schema, query }) {
  const globals = families.get(schema);
  if (!globals) throw new Error(`${name}: unknown schema ${schema}; known: ${[...families.keys()].join(', ')}`);
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const reported = code.GetDiagnostics();
  const diagnostics = [];
  for (let i = 0; i < reported.Count; i += 1) {
    const d = reported.getItem(i);
    diagnostics.push({ severity: d.Severity, code: d.Code, message: d.Message, start: d.Start, end: d.End });
  }
  diagnostics.push(...extraDiagnostics(code, schema, query));
  const columns = [];
  const resulting = code.ResultType && code.ResultType.Columns;
  for (let i = 0; resulting && i < resulting.Count; i += 1) {
    const column = resulting.getItem(i);
    columns.push({ name: column.Name, type: column.Type ? column.Type.Name : 'unknown' });
  }
  return { name, diagnostics, columns };
}

function main([tables, mode]) {
  if (!tables) throw new Error('usage: node check.cjs TABLES.json [--self-test] < queries.jsonl');
  const families = loadFamilies(tables);
  if (mode === '--self-test') return require('./selftest.cjs')((query) => check(families, query));
  const out = [];
  for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
    if (line.trim() !== '') out.push(JSON.stringify(check(families, JSON.parse(line))));
  }
  if (out.length) process.stdout.write(`${out.join('\n')}\n`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
