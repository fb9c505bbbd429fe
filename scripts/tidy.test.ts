import assert from 'node:assert/strict';
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { suite, test } from 'node:test';

/** The rules of the house that no linter knows: layers, pure cores, sizes, invariants that are named three times. */
const ROOT = resolve(import.meta.dirname, '..');
const PACKAGES = join(ROOT, 'packages');

/** Imports go down only; packages of one layer do not know one another, but that `component-base` is under all of layer 0. */
const LAYERS: Readonly<Record<string, number>> = {
  'component-base': 0,
  api: 1,
  'raft-consensus': 1,
  rpc: 2,
  streams: 2,
  pki: 2,
  'etcd-lite': 4,
  client: 3,
  apiserver: 4,
  scheduler: 4,
  'controller-manager': 4,
  kubelet: 4,
  'kube-proxy': 4,
  dns: 4,
  lb: 4,
  cli: 5,
  sim: 5,
};

const LINES_MAX = 400;
const LINE_LENGTH_MAX = 140;

interface SourceFile {
  readonly pkg: string;
  /** Below the repo. */
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
}

function sourceFiles(): SourceFile[] {
  return readdirSync(PACKAGES).flatMap((pkg) =>
    readdirSync(join(PACKAGES, pkg, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('generated/'))
      .map((name) => {
        const path = join(PACKAGES, pkg, 'src', name);
        const isTest = /\.test\.ts$|(^|\/)testing\//.test(name);
        return { pkg, path: relative(ROOT, path), text: readFileSync(path, 'utf8'), isTest };
      }),
  );
}

const files = sourceFiles();
const sources = files.filter(({ isTest }) => !isTest);

function importsOf(file: SourceFile): string[] {
  const statements = file.text.matchAll(
    /^(?:import|export)\s[^;']*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, from, bare, lazy]) => from ?? bare ?? lazy ?? '');
}

function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('raft-consensus')) return 'raft-consensus';
  return /^@kubelab\/([^/]+)/.exec(specifier)?.[1];
}

suite('tidy', () => {
  test('every package has a layer and a README', () => {
    for (const pkg of readdirSync(PACKAGES)) {
      assert.ok(LAYERS[pkg] !== undefined, `${pkg} has no layer`);
      assert.ok(existsSync(join(PACKAGES, pkg, 'README.md')), `${pkg} has no README.md`);
    }
  });

  test('imports between packages go down only', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const target = packageOf(specifier);
        if (target === undefined || target === file.pkg) return [];
        return (LAYERS[target] ?? 99) < (LAYERS[file.pkg] ?? 0) ? [] : [`${file.path} imports ${specifier}`];
      }),
    );
    assert.deepEqual(wrong, []);
  });

  test('a package imports only what its package.json names', () => {
    const wrong = files.flatMap((file) => {
      const manifest = JSON.parse(readFileSync(join(PACKAGES, file.pkg, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
        devDependencies?: Record<string, string>;
      };
      const known = new Set([
        ...Object.keys(manifest.dependencies ?? {}),
        ...(file.isTest ? Object.keys(manifest.devDependencies ?? {}) : []),
        'fast-check',
      ]);
      return importsOf(file).flatMap((specifier) => {
        if (/^(node:|\.)/.test(specifier)) return [];
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        const isOwn = name === `@kubelab/${file.pkg}` || name === file.pkg;
        return known.has(name) || isOwn || (file.isTest && packageOf(specifier) !== undefined)
          ? []
          : [`${file.path} imports ${specifier}`];
      });
    });
    assert.deepEqual(wrong, []);
  });

  test('core folders do no I/O and read no clock', () => {
    const banned =
      /from 'node:(fs|net|http|https|http2|tls|dgram|child_process|dns|worker_threads)|Date\.now\(|Math\.random\(|performance\.now\(|setTimeout\(|setInterval\(|process\.(env|argv)/;
    const wrong = sources
      .filter(({ path, text }) => path.includes('/core/') && banned.test(text))
      .map(({ path }) => path);
    assert.deepEqual(wrong, []);
  });

  test('raft-consensus imports nothing but itself', () => {
    const wrong = sources
      .filter(({ pkg }) => pkg === 'raft-consensus')
      .flatMap((file) => importsOf(file).filter((name) => !name.startsWith('.')));
    assert.deepEqual(wrong, []);
  });

  test('the real clock and chance are asked through component-base only', () => {
    const owners = /component-base\/src\/real-|packages\/cli\//;
    const wrong = sources
      .filter(
        ({ path, text }) =>
          !owners.test(path) && /\bDate\.now\(\)|Math\.random\(\)|randomUUID\(\)/.test(text),
      )
      .map(({ path }) => path);
    assert.deepEqual(wrong, []);
  });

  test(`files have at most ${LINES_MAX} lines of at most ${LINE_LENGTH_MAX} characters`, () => {
    const wrong = sources.flatMap(({ path, text }) => {
      const lines = text.split('\n');
      const long = lines.findIndex((line) => line.length > LINE_LENGTH_MAX);
      return [
        ...(lines.length > LINES_MAX ? [`${path}: ${lines.length} lines`] : []),
        ...(long >= 0 ? [`${path}:${long + 1}: a line of ${lines[long]?.length} characters`] : []),
      ];
    });
    assert.deepEqual(wrong, []);
  });

  test('nothing is left for later in a comment', () => {
    const wrong = files.filter(({ text }) => /\b(TODO|FIXME|XXX)\b/.test(text)).map(({ path }) => path);
    assert.deepEqual(wrong, []);
  });

  test('an invariant that a README names stands in the code and in the title of a test', () => {
    const wrong: string[] = [];
    for (const pkg of readdirSync(PACKAGES)) {
      const readme = join(PACKAGES, pkg, 'README.md');
      if (!existsSync(readme)) continue;
      const ids = new Set(
        [...readFileSync(readme, 'utf8').matchAll(/`([A-Z][A-Z]+(?:-[A-Z]+)?-\d+)`/g)].map(
          ([, id]) => id ?? '',
        ),
      );
      const own = files.filter((file) => file.pkg === pkg);
      for (const id of ids) {
        const isNamed = new RegExp(`\\b${id}\\b`);
        if (!own.some(({ isTest, text }) => !isTest && isNamed.test(text)))
          wrong.push(`${pkg}: ${id} is not in the code`);
        if (!own.some(({ isTest, text }) => isTest && isNamed.test(text)))
          wrong.push(`${pkg}: ${id} is in no test`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('links in documents lead somewhere', () => {
    const documents = [
      'README.md',
      ...readdirSync(PACKAGES).map((pkg) => `packages/${pkg}/README.md`),
      ...markdownIn('docs'),
    ];
    const wrong = documents.flatMap((document) => {
      const path = join(ROOT, document);
      if (!existsSync(path)) return [];
      const links = [...readFileSync(path, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
        ([, link]) => link ?? '',
      );
      return links
        .filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(dirname(path), link)))
        .map((link) => `${document}: ${link}`);
    });
    assert.deepEqual(wrong, []);
  });
});

function markdownIn(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}
