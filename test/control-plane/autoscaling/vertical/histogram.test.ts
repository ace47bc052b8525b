import assert from "node:assert/strict";
import fc from "fast-check";
import { bucketOf, cpuBuckets, endOf, memoryBuckets } from "../../../../control-plane/autoscaling/vertical/buckets.ts";
import {
  emptyHistogram,
  percentile,
  type WeightedSample,
  withoutSample,
  withSample,
} from "../../../../control-plane/autoscaling/vertical/histogram.ts";

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

describe("the buckets of usage", () => {
  // 10 m, then 10.5 m more, then 11.025 m more.
  const cases: { value: number; bucket: number; end: number }[] = [
    { value: 0, bucket: 0, end: 0.01 },
    { value: 0.0099, bucket: 0, end: 0.01 },
    { value: 0.015, bucket: 1, end: 0.0205 },
    { value: 0.021, bucket: 2, end: 0.031525 },
    { value: 0.04, bucket: 3, end: 0.04310125 },
  ];
  for (const { value, bucket, end } of cases) {
    it(`put ${value} cores into number ${bucket}, which ends at ${end}`, () => {
      assert.equal(bucketOf(cpuBuckets, value), bucket);
      near(endOf(cpuBuckets, bucket), end);
    });
  }

  it("are 176, of which the last has no end", () => {
    assert.deepEqual([cpuBuckets.count, memoryBuckets.count], [176, 176]);
    assert.equal(bucketOf(cpuBuckets, 1e9), 175);
    assert.equal(endOf(cpuBuckets, 175), endOf(cpuBuckets, 174));
  });

  it("hold each value below their ends", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 900, noNaN: true }), (value) => {
        const bucket = bucketOf(cpuBuckets, value);
        assert.ok(value <= endOf(cpuBuckets, bucket) * (1 + 1e-9));
        assert.ok(bucket === 0 || value >= endOf(cpuBuckets, bucket - 1) * (1 - 1e-9));
      }),
    );
  });
});

describe("a histogram that forgets", () => {
  const of = (...samples: readonly WeightedSample[]) => samples.reduce(withSample, emptyHistogram(cpuBuckets));
  const small = { value: 0.005, weight: 1, atDays: 0 };
  const large = { value: 0.04, weight: 1, atDays: 0 };
  // Of two small samples and a large one of their day two thirds are small; after a day the large one weighs as much as both, then twice as much.
  const cases: { title: string; samples: WeightedSample[]; share: number; want: number }[] = [
    { title: "is 0 without a sample", samples: [], share: 0.5, want: 0 },
    { title: "is one sample at every share", samples: [large], share: 0.01, want: 0.04310125 },
    { title: "counts samples of one time alike", samples: [small, small, large], share: 0.66, want: 0.01 },
    { title: "has the rest above them", samples: [small, small, large], share: 0.67, want: 0.04310125 },
    { title: "counts a sample of the next day twice", samples: [small, small, { ...large, atDays: 1 }], share: 0.5, want: 0.01 },
    { title: "no more than twice", samples: [small, small, { ...large, atDays: 1 }], share: 0.51, want: 0.04310125 },
    { title: "and four times on the day after", samples: [small, small, { ...large, atDays: 2 }], share: 0.34, want: 0.04310125 },
    { title: "weighs samples", samples: [small, { ...large, weight: 3 }], share: 0.26, want: 0.04310125 },
    {
      title: "forgets what was before a long time",
      samples: [
        { ...large, weight: 1e6 },
        { ...small, atDays: 300 },
      ],
      share: 1,
      want: 0.01,
    },
  ];
  for (const { title, samples, share, want } of cases) it(title, () => near(percentile(of(...samples), share), want));

  it("is as before without a sample that it was given", () => {
    const { weights } = withoutSample(of(small, { ...large, atDays: 2 }), { ...large, atDays: 2 });
    assert.deepEqual(weights, of(small).weights);
  });

  it("never falls as the share grows", () => {
    const sample = fc.record({
      value: fc.double({ min: 0, max: 2_000, noNaN: true }),
      weight: fc.double({ min: 0.1, max: 64, noNaN: true }),
      atDays: fc.double({ min: 0, max: 400, noNaN: true }),
    });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 30 }), share, share, (samples, a, b) => {
        const histogram = of(...samples.sort((x, y) => x.atDays - y.atDays));
        const [low, high] = [percentile(histogram, Math.min(a, b)), percentile(histogram, Math.max(a, b))];
        assert.ok(low > 0 && low <= high);
      }),
    );
  });
});
