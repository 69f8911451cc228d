import { h, render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import htm from 'htm'
import { live } from './ask.js'
import { Challenge, Draw, Check } from './proofs.js'
import { Hypercore, Member, Overview, Search } from './views.js'

const html = htm.bind(h)

/** What stands behind `#`, in parts: #/hypercores/KEY. */
function useAddress() {
  const read = () =>
    location.hash
      .replace(/^#\/?/, '')
      .split('/')
      .map((part) => decodeURIComponent(part))
  const [parts, set] = useState(read)
  useEffect(() => {
    const changed = () => set(read())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return parts
}

function Page() {
  const [at, id, more] = useAddress()
  const [standing, setStanding] = useState('connecting')
  useEffect(() => live.listen(setStanding), [])
  const search = (event) => {
    event.preventDefault()
    location.hash = `#/search/${encodeURIComponent(new FormData(event.target).get('q').trim())}`
  }
  // What stands behind # says which view is shown, so that the browser may not follow this one.
  const skip = (event) => {
    event.preventDefault()
    document.getElementById('main').focus()
  }
  const view =
    at === 'hypercores'
      ? html`<${Hypercore} key=${id} id=${id} />`
      : at === 'members'
        ? html`<${Member} key=${id} id=${id} />`
        : at === 'challenges'
          ? html`<${Challenge} key=${id} id=${id} />`
          : at === 'draws'
            ? html`<${Draw} key=${id} id=${id} />`
            : at === 'checks'
              ? html`<${Check} key=${`${id}/${more}`} copy=${id} epoch=${more} />`
              : at === 'search'
                ? html`<${Search} key=${id} q=${id} />`
                : html`<${Overview} />`
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to what is shown</a>
    <header>
      <strong><a href="#/">datdot</a></strong>
      <span class="quiet" role="status">${standing}</span>
      <form role="search" onSubmit=${search}>
        <input name="q" aria-label="A key or a number" placeholder="key or number" required maxlength="128" />
        <button>Find</button>
      </form>
    </header>
    <main id="main" tabindex="-1">${view}</main>
  `
}

render(html`<${Page} />`, document.getElementById('page'))
