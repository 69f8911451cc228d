import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from '../../src/swarm/dht.js'

test('a DHT is private if all of its nodes are on loopback', () => {
  const node = (host: string) => ({ host, port: 49_737 })
  assert.equal(isLoopback([node('127.0.0.1'), node('localhost')]), true)
  assert.equal(isLoopback([node('127.0.0.1'), node('192.0.2.7')]), false)
})

test('a DHT without nodes is not private', () => {
  assert.equal(isLoopback([]), false)
})
