import assert from 'node:assert/strict';
import { createSecureContext, getCiphers } from 'node:tls';
import { suite, test } from 'node:test';
import { ciphersOf } from './cipher-suites.ts';

suite('cipher suites', () => {
  test('Go’s names stand for OpenSSL’s; TLS 1.3 keeps its own', () => {
    assert.equal(ciphersOf([]), undefined);
    const chosen = ciphersOf(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256']);
    assert.match(chosen ?? '', /^TLS_.*:ECDHE-RSA-AES128-GCM-SHA256$/);
    createSecureContext({ ciphers: chosen });
  });

  test('each is one that Node knows', () => {
    const known = new Set(getCiphers().map((name) => name.toUpperCase()));
    const [, , , ...suites] = (
      ciphersOf([
        'TLS_RSA_WITH_AES_128_GCM_SHA256',
        'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
        'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
        'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
        'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
      ]) ?? ''
    ).split(':');
    assert.deepEqual(
      suites.filter((name) => !known.has(name)),
      [],
    );
  });

  test('a name that is none is refused in etcd’s words', () => {
    assert.throws(() => ciphersOf(['AES']), { message: 'unexpected TLS cipher suite "AES"' });
    assert.throws(() => ciphersOf(['constructor']), /unexpected TLS cipher suite/);
  });
});
