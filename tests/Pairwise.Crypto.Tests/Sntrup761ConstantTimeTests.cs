namespace Pairwise.Crypto.Tests;

/// <summary>No secret of sntrup761 decides a branch, an address, a division or an overflow check.</summary>
public sealed class Sntrup761ConstantTimeTests
{
    // How often the draw of g is repeated is public by design: a rejected g is thrown away whole.
    private static readonly string[] PublicByDesign = ["Sntrup761.GenerateKeyPair: branches on a secret"];

    [Fact]
    public void Secrets_flow_through_arithmetic_only()
    {
        var flow = new SecretFlow(
        [
            typeof(Sntrup761),
            typeof(Sntrup761Codec),
            typeof(Sntrup761Inverse3),
            typeof(Sntrup761InverseQ),
            typeof(Sntrup761Lanes),
            typeof(Sntrup761Ring),
            typeof(Sntrup761Sampler),
        ]);
        AreEqual(PublicByDesign, flow.Run());
        Assert.True(flow.MethodCount > 50);
    }

    [Fact]
    public void What_is_not_constant_time_is_found()
    {
        string[] expected =
        [
            "Careless.Branches: branches on a secret",
            "Careless.BranchesLater: branches on a secret",
            "Careless.Calls: calls Contains with a secret",
            "Careless.Choose: branches on a secret",
            "Careless.Converts: checks a secret for overflow",
            "Careless.Divides: divides a secret or by one",
            "Careless.LooksUp: calls get_Item with a secret",
            "Careless.LooksUpInArray: takes an element at a secret index",
            "Careless.SlicesBy: calls Slice with a secret",
        ];
        AreEqual(expected, new SecretFlow([typeof(Careless)]).Run());
    }

    private static void AreEqual(IEnumerable<string> expected, IEnumerable<string> faults) =>
        Assert.True(expected.SequenceEqual(faults), string.Join(Environment.NewLine, faults));

    /// <summary>Faults that the analysis must find, directly, through locals, through calls and references.</summary>
    private static class Careless
    {
        private static readonly int[] Table = new int[100];

        public static int Branches(ReadOnlySpan<short> secret) => secret[0] > 0 ? 1 : 2;

        public static int BranchesLater(ReadOnlySpan<short> secret)
        {
            Sum(secret, out var sum);
            while (sum > 0)
                sum = unchecked(sum - 2);
            return sum;
        }

        public static int Selects(ReadOnlySpan<short> secret) => Choose(secret[0] & 1);

        public static int LooksUp(ReadOnlySpan<short> secret, ReadOnlySpan<short> table) => table[secret[0]];

        public static int LooksUpInArray(ReadOnlySpan<short> secret) => Table[secret[0]];

        public static int SlicesBy(ReadOnlySpan<short> secret) => secret.Slice(secret[0]).Length;

        public static int Divides(ReadOnlySpan<short> secret) => secret[0] % 3;

        public static short Converts(ReadOnlySpan<int> secret) => checked((short)secret[0]);

        public static bool Calls(ReadOnlySpan<int> secret, List<int> list) => list.Contains(secret[0]);

        public static int IsFine(ReadOnlySpan<short> secret)
        {
            var sum = 0;
            for (var i = 0; i < secret.Length; i++)
                sum = unchecked(sum + (secret[i] & -(i % 2)));
            return sum;
        }

        private static void Sum(ReadOnlySpan<short> secret, out int sum)
        {
            sum = 0;
            foreach (var value in secret)
                sum = unchecked(sum + value);
        }

        private static int Choose(int value) => value == 0 ? 1 : 2;
    }
}
