// Draws a cloud of points into a canvas: a hundred thousand in some milliseconds, by writing pixels. What the points mean is
// the business of `review_map.js`. WebGL libraries make programs of texts, which the pages' policy forbids.
(() => {
  const { review } = window;
  // Viridis, which those see alike who see few colours: from little to much.
  const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const STEPS = 256;

  const ramp = (share) => {
    const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
    const [from, rest] = [Math.min(Math.floor(at), RAMP.length - 2), at - Math.min(Math.floor(at), RAMP.length - 2)];
    return RAMP[from].map((part, i) => Math.round(part + rest * (RAMP[from + 1][i] - part)));
  };
  // Of its ends, the one that the sheet would swallow is left out.
  const ramps = [[0, 0.85], [0.25, 1]].map(([low, high]) =>
    Array.from({ length: STEPS }, (_, step) => ramp(low + ((high - low) * step) / (STEPS - 1))));
  review.ramp = (isDark) => ramps[isDark ? 1 : 0];

  // Whether a place beside the middle lies within a shape of radius 1.
  const WITHIN = {
    disc: (x, y) => x * x + y * y <= 1,
    cross: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.9 && Math.min(Math.abs(x - y), Math.abs(x + y)) <= 0.45,
    triangle: (x, y) => y <= 0.75 && Math.abs(x) <= (y + 1) * 0.57,
    square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) <= 0.85,
    diamond: (x, y) => Math.abs(x) + Math.abs(y) <= 1.1,
    star: (x, y) => {
      const fifth = (2 * Math.PI) / 5;
      const turned = Math.abs(((Math.atan2(x, -y) + 2.5 * fifth) % fifth) - fifth / 2);
      // From a point, at radius 1, the edge runs to the notch, at radius 0.45.
      const [px, py] = [Math.hypot(x, y) * Math.cos(turned), Math.hypot(x, y) * Math.sin(turned)];
      const [nx, ny] = [0.45 * Math.cos(fifth / 2), 0.45 * Math.sin(fifth / 2)];
      return (nx - 1) * py - ny * (px - 1) >= 0;
    },
  };
  review.shapes = Object.keys(WITHIN);

  // A shape as pixels beside its middle: dx, dy and how much it is covered, one after the other.
  const FINE = 4;
  const stamps = new Map();
  const stampOf = (exact, shape) => {
    const radius = Math.round(4 * exact) / 4;
    const key = radius * 100 + shape;
    if (stamps.has(key)) return stamps.get(key);
    const within = WITHIN[review.shapes[shape]];
    const pixels = [];
    const reach = Math.ceil(radius);
    const outer = radius + 0.5;
    for (let dy = -reach; dy <= reach; dy += 1)
      for (let dx = -reach; dx <= reach; dx += 1) {
        let inside = 0;
        for (let n = 0; n < FINE * FINE; n += 1)
          inside += within((dx + ((n % FINE) + 0.5) / FINE - 0.5) / outer, (dy + (Math.floor(n / FINE) + 0.5) / FINE - 0.5) / outer);
        if (inside) pixels.push(dx, dy, Math.round((inside / FINE / FINE) * 256));
      }
    stamps.set(key, Int32Array.from(pixels));
    return stamps.get(key);
  };

  let kept = null; // the picture of the frame before, in which the next one is drawn
  const picture = (context, { width, height }) => {
    if (!kept || kept.width !== width || kept.height !== height) kept = context.createImageData(width, height);
    return kept;
  };

  // points: x, y, colour (index into palette), shape, size, order (those that have a place, as they are drawn).
  review.drawPoints = (canvas, view, points, palette, paper) => {
    const { width, height } = canvas;
    const context = canvas.getContext("2d");
    const image = picture(context, canvas);
    const pixels = new Uint32Array(image.data.buffer);
    const opaque = 255 << 24;
    pixels.fill((opaque | (paper[2] << 16) | (paper[1] << 8) | paper[0]) >>> 0);
    const { x: xs, y: ys, colour, shape, size, order } = points;
    for (let n = 0; n < order.length; n += 1) {
      const i = order[n];
      const x = Math.round((xs[i] - view.x) * view.scale + width / 2);
      const y = Math.round(height / 2 - (ys[i] - view.y) * view.scale);
      const radius = size[i] * view.point;
      const reach = Math.ceil(radius);
      if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) continue;
      const stamp = stampOf(radius, shape[i]);
      const isInside = x >= reach && y >= reach && x < width - reach && y < height - reach;
      const [red, green, blue] = palette[colour[i]];
      for (let k = 0; k < stamp.length; k += 3) {
        const px = x + stamp[k];
        const py = y + stamp[k + 1];
        if (!isInside && (px < 0 || py < 0 || px >= width || py >= height)) continue;
        const place = py * width + px;
        const cover = stamp[k + 2];
        const under = pixels[place];
        const r = under & 255;
        const g = (under >> 8) & 255;
        const b = (under >> 16) & 255;
        pixels[place] = opaque | ((b + (((blue - b) * cover) >> 8)) << 16)
          | ((g + (((green - g) * cover) >> 8)) << 8) | (r + (((red - r) * cover) >> 8));
      }
    }
    context.putImageData(image, 0, 0);
  };

  // Some places in the order of a small whole number that each has: counted, not compared.
  review.orderedBy = (places, keys, most) => {
    const begins = new Uint32Array(most + 2);
    for (const i of places) begins[keys[i] + 1] += 1;
    for (let key = 1; key < begins.length; key += 1) begins[key] += begins[key - 1];
    const ordered = new Uint32Array(places.length);
    for (const i of places) { ordered[begins[keys[i]]] = i; begins[keys[i]] += 1; }
    return ordered;
  };

  // The point nearest to a place of the canvas, within a reach; null where there is none.
  review.nearestPoint = (view, points, px, py, reach, { width, height }) => {
    const [x, y] = [view.x + (px - width / 2) / view.scale, view.y - (py - height / 2) / view.scale];
    let [best, least] = [null, (reach / view.scale) ** 2];
    for (const i of points.order) {
      const apart = (points.x[i] - x) ** 2 + (points.y[i] - y) ** 2;
      if (apart <= least) [best, least] = [i, apart];
    }
    return best;
  };

  // The points within a closed line of [x, y]: as many crossings to the right of each as make an odd number.
  review.pointsWithin = (points, line) => {
    const [xs, ys] = [line.map(([x]) => x), line.map(([, y]) => y)];
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    return Array.from(points.order).filter((i) => {
      const [x, y] = [points.x[i], points.y[i]];
      if (!(x >= left && x <= right && y >= low && y <= high)) return false;
      let isWithin = false;
      for (let a = 0, b = line.length - 1; a < line.length; b = a, a += 1)
        if (ys[a] > y !== ys[b] > y && x < ((xs[b] - xs[a]) * (y - ys[a])) / (ys[b] - ys[a]) + xs[a]) isWithin = !isWithin;
      return isWithin;
    });
  };
})();
