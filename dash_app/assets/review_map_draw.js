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
  review.ramp = Array.from({ length: STEPS }, (_, step) => ramp(step / (STEPS - 1)));

  // A disc as pixels beside its middle: dx, dy and how much it is covered, one after the other.
  const discs = new Map();
  const disc = (exact) => {
    const radius = Math.round(4 * exact) / 4;
    if (discs.has(radius)) return discs.get(radius);
    const pixels = [];
    const reach = Math.ceil(radius);
    for (let dy = -reach; dy <= reach; dy += 1)
      for (let dx = -reach; dx <= reach; dx += 1) {
        const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(dx, dy), 0), 1);
        if (cover > 0.05) pixels.push(dx, dy, Math.round(cover * 256));
      }
    discs.set(radius, Int32Array.from(pixels));
    return discs.get(radius);
  };

  let kept = null; // the picture of the frame before, in which the next one is drawn
  const picture = (context, { width, height }) => {
    if (!kept || kept.width !== width || kept.height !== height) kept = context.createImageData(width, height);
    return kept;
  };

  // points: x, y, colour (index into palette), size, order (those that have a place, as they are drawn).
  review.drawPoints = (canvas, view, points, palette, paper) => {
    const { width, height } = canvas;
    const context = canvas.getContext("2d");
    const image = picture(context, canvas);
    const pixels = new Uint32Array(image.data.buffer);
    const opaque = 255 << 24;
    pixels.fill((opaque | (paper[2] << 16) | (paper[1] << 8) | paper[0]) >>> 0);
    const { x: xs, y: ys, colour, size, order } = points;
    for (let n = 0; n < order.length; n += 1) {
      const i = order[n];
      const x = Math.round((xs[i] - view.x) * view.scale + width / 2);
      const y = Math.round(height / 2 - (ys[i] - view.y) * view.scale);
      const radius = size[i] * view.point;
      const reach = Math.ceil(radius);
      if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) continue;
      const stamp = disc(radius);
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
