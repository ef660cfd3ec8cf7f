import assert from "node:assert/strict";
import test from "node:test";
import { nearest } from "./static/lib/near.js";

test("the nearest name is meant, and none that is quite another", () => {
  const names = ["production", "shop", "shop-eu"];
  assert.equal(nearest("shp", names), "shop");
  assert.equal(nearest("Shop_EU", names), "shop-eu");
  assert.equal(nearest("prodution", names), "production");
  assert.equal(nearest("x", names), null);
  assert.equal(nearest("billing", names), null);
  assert.equal(nearest("shop", []), null);
});
