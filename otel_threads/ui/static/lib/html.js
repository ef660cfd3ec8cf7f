// The way to draw: components are functions that return html`…`; every text in it is escaped.
import htm from "../vendor/htm.js";
import { Component, Fragment, createContext, h, render } from "../vendor/preact.js";

export { Fragment, createContext, h, render };
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef,
  useState,
} from "../vendor/hooks.js";
export const html = htm.bind(h);

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
