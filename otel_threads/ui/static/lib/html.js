// The way to draw: components are functions that return html`…`; every text in it is escaped.
import htm from "../vendor/htm.js";
import { Component, Fragment, createContext, h, render } from "../vendor/preact.js";

export { Fragment, createContext, h, render };
export {
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../vendor/hooks.js";
export const html = htm.bind(h);

/**
 * Draw `otherwise(error, again)` where `children` cannot be drawn, until `about` is another: what is
 * broken on one page must not take the next with it.
 */
export class Boundary extends Component {
  constructor() {
    super();
    this.state = { error: null, round: 0 };
    this.again = () => this.setState(({ round }) => ({ error: null, round: round + 1 }));
  }
  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }
  componentDidUpdate(before) {
    if (this.state.error && before.about !== this.props.about) this.again();
  }
  render({ children, otherwise }, { error, round }) {
    return error ? otherwise(error, this.again) : h(Fragment, { key: round }, children);
  }
}

/** Return a component that is drawn anew only when one of its properties is another. */
export function memo(component) {
  return class extends Component {
    shouldComponentUpdate(next) {
      const names = new Set([...Object.keys(next), ...Object.keys(this.props)]);
      return [...names].some((name) => next[name] !== this.props[name]);
    }
    render() {
      return h(component, this.props);
    }
  };
}
