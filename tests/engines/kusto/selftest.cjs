'use strict';
// Proves that the checker can fail: each case names the codes that its query must get, and no others.

const GOOD = String.raw`let window = 10m;
DeviceProcessEvents
| where FileName in~ ("rar.exe", "7z.exe") and not(FolderPath startswith @"C:\Program Files\")
| where ProcessCommandLine matches regex @'(?i)^[^"]*(?:"[^"]*"[^"]*)*[ \t\r\n]["'']?-p'
| join kind=inner (DeviceFileEvents | where ActionType == "FileCreated" | project DeviceId, FileName, Written = TIME) on DeviceId
| where Written between (TIME .. (TIME + window))
| summarize Files = dcount(FileName1), First = min(TIME) by DeviceId, ReportId = tolong(ProcessId)
| where Files >= 2`;

/** A query of exactly `length` characters. */
const long = (length) => {
  const [head, tail] = ['DeviceEvents | where FileName == "', '"'];
  return head + 'a'.repeat(length - head.length - tail.length) + tail;
};
const groups = (n) => `DeviceEvents | where FileName matches regex @"${'(a)'.repeat(n)}"`;
const regex = (pattern) => `DeviceEvents | where FileName matches regex @"${pattern.replaceAll('"', '""')}"`;

const CASES = [
  ['good, Defender', 'defender', GOOD.replaceAll('TIME', 'Timestamp'), []],
  ['good, Sentinel', 'sentinel', GOOD.replaceAll('TIME', 'TimeGenerated'), []],
  ['the time column of the other family', 'defender', 'DeviceEvents | where TimeGenerated > ago(1d)', ['KS142']],
  ['unknown column', 'defender', 'DeviceEvents | where Nonsense == "a"', ['KS142']],
  ['unknown column after project', 'defender', 'DeviceEvents | project DeviceId | where FileName == "a"', ['KS142']],
  ['unknown table', 'defender', 'SecurityEvent | take 1', ['KS204']],
  ['unknown function', 'defender', 'DeviceEvents | where frobnicate(FileName)', ['KS211']],
  ['syntax error', 'defender', 'DeviceEvents | where FileName ==', ['KS006']],
  ['unclosed string', 'defender', 'DeviceEvents | where FileName == "a', null],
  ['int =~ string, which the binder sees', 'sentinel', 'SecurityEvent | where EventID =~ "4688"', ['KS106', 'type-mismatch']],
  ['int == string, which it does not', 'sentinel', 'SecurityEvent | where EventID == "4688"', ['type-mismatch']],
  ['int in (string)', 'sentinel', 'SecurityEvent | where EventID in (4688, "4689")', ['type-mismatch']],
  ['string == long', 'sentinel', 'SecurityEvent | where 3 == Process', ['type-mismatch']],
  ['int in (int)', 'sentinel', 'SecurityEvent | where EventID in (4688, 4689) and EventID != 1', []],
  ['not a condition', 'defender', 'DeviceEvents | where FileName', ['KS141']],
  ['not rows', 'defender', 'print 1 | count; 3', null],
  ['a value instead of rows', 'defender', '1 + 1', ['not-tabular']],
  ['empty', 'defender', ' \n', ['empty']],
  ['search *', 'sentinel', 'search *', ['search']],
  ['search in a pipe', 'sentinel', 'SecurityEvent | search "x"', ['search']],
  ['union *', 'sentinel', 'union * | where 1 == 1', ['union-wildcard']],
  ['union with a wildcard', 'sentinel', 'union SecurityEvent, Device* | take 1', ['union-wildcard']],
  ['union of names', 'sentinel', 'union isfuzzy=true SecurityEvent, (DeviceEvents | take 1) | take 1', []],
  ['a wildcard below a union', 'sentinel', 'union SecurityEvent, (DeviceEvents | project-away File*) | take 1', []],
  ['project with a wildcard', 'sentinel', 'SecurityEvent | project-away Target*', []],
  ['join without kind', 'sentinel', 'DeviceEvents | join (DeviceFileEvents) on DeviceId', ['join-kind']],
  ['10,000 characters', 'sentinel', long(10000), []],
  ['10,001 characters', 'sentinel', long(10001), ['query-length']],
  ['10,001 characters, Defender', 'defender', long(10001), []],
  ['16 groups', 'defender', groups(16), []],
  ['17 groups', 'defender', groups(17), ['regex']],
  ['computed expression', 'defender', 'DeviceEvents | where FileName matches regex strcat(FileName, "a")', ['regex-not-constant']],
  ['expression from let', 'defender', 'let r = @"a(?=b)"; DeviceEvents | where FileName matches regex r', ['regex']],
  ['expression of parts', 'defender', 'let r = @"a(?:b)"; DeviceEvents | where FileName matches regex strcat(r, "c$")', []],
  ['bad expression of parts', 'defender', 'let r = @"a(?"; DeviceEvents | where FileName matches regex strcat(r, "=b)")', ['regex']],
  ['a part of an expression is a column', 'defender', 'let r = "a"; DeviceEvents | where FileName matches regex strcat(r, FileName)', ['regex-not-constant']],
  ['expression in extract', 'defender', 'DeviceEvents | extend x = extract(@"(a", 1, FileName)', ['regex']],
  ['expression in replace_regex', 'defender', 'DeviceEvents | extend x = replace_regex(FileName, @"[a", "b")', ['regex']],
  ...['a(?=b)', 'a(?!b)', '(?<=a)b', '(?<!a)b', '(?>a)', String.raw`(a)\1`, '(?P=x)', '(?#x)', 'a)', '(a', '[a', '*a', '(?:*a)',
    'a{', 'a{2,1}', String.raw`\q`, String.raw`a\ `.slice(0, 2), '[b-a]', '[a--b]', '[a&&b]', '(?z)', '[[:nope:]]', String.raw`[\d-z]`]
    .map((pattern) => [`bad expression ${pattern}`, 'defender', regex(pattern), ['regex']]),
  ...['a|', '', '(?i)a(?-i:b)(?s:.)', '(?P<n>a)(?<m>b)', '[]a]', '[^]a]', '[a-]', '[-a]', '[a-z0-9_.]', '[[:alpha:]_]', String.raw`\.\\\-\/\"`,
    String.raw`[\-/–—―]`, String.raw`[\\/]{2,}?`, 'a}', String.raw`\x41\u0041\x{1F600}\p{L}\pL`, String.raw`(?:[\-/]|–)p[^ \t\r\n"]*$`]
    .map((pattern) => [`good expression ${pattern}`, 'defender', regex(pattern), []]),
];

/** Runs every case through `check`; returns the process's exit status. */
module.exports = function selfTest(check) {
  let failed = 0;
  for (const [name, schema, query, codes] of CASES) {
    const { diagnostics } = check({ name, schema, query });
    const got = diagnostics.map((d) => d.code);
    // `null`: any error will do, Microsoft words it in several.
    const fine = codes === null ? got.length > 0 : JSON.stringify([...got].sort()) === JSON.stringify([...codes].sort());
    if (!fine) {
      failed += 1;
      console.error(`FAILED ${name}: expected ${JSON.stringify(codes)}, got ${JSON.stringify(diagnostics)}`);
    }
  }
  const { columns } = check({ name: 'columns', schema: 'defender', query: 'DeviceEvents | summarize n = count(), t = max(Timestamp) by DeviceId' });
  if (JSON.stringify(columns) !== '[{"name":"DeviceId","type":"string"},{"name":"n","type":"long"},{"name":"t","type":"datetime"}]') {
    failed += 1;
    console.error(`FAILED columns: ${JSON.stringify(columns)}`);
  }
  console.log(`kusto self-test: ${CASES.length + 1 - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
};
