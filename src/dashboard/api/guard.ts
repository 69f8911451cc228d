import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { InputError } from '../../errors.js'

/** What a page may do that this server gives: load its own files and ask its own server, nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join('; ')

/** Headers of every answer of page and API. @param embedded other sites may show it as an image */
export function secure(reply: FastifyReply, embedded = false): void {
  void reply.headers({
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': embedded ? 'cross-origin' : 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()'
  })
}

/**
 * Why a request of another site's page is refused: one that has its own name point to this address (Host is then that name), one that
 * says where it is from (Origin), and whatever a browser marks as foreign. Null for one that is not.
 *
 * @param names that this server is known by, beside localhost and any address
 */
export function foreign(request: FastifyRequest, names: readonly string[]): InputError | null {
  const { host, origin, 'sec-fetch-site': site } = request.headers
  const name = hostName(host)
  if (name === null || !(name === 'localhost' || isIP(name) !== 0 || names.includes(name))) {
    return new InputError('API_FOREIGN', 'this server is not known by that name; open it by its address')
  }
  const own = origin === undefined || origin === `http://${host}` || origin === `https://${host}`
  if (own && site !== 'cross-site' && site !== 'same-site') return null
  return new InputError('API_FOREIGN', 'pages of other sites get no answer')
}

/** Without its port, and without the brackets of an IPv6 address. */
function hostName(host: string | undefined): string | null {
  if (host === undefined || !/^[\w.:[\]-]{1,255}$/.test(host)) return null
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host.toLowerCase())
  return match ? (match[1] ?? match[2] ?? null) : null
}
