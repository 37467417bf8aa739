using Pairwise.Protocol.Smp;
using Pairwise.TestKit;

namespace Pairwise.Protocol.Tests.Smp;

/// <summary>What holds for any command, message and bytes.</summary>
public sealed class SmpCodecPropertyTests
{
    private static readonly int[] Versions = [.. Enumerable.Range(SmpVersions.ServerRange.Min, SmpVersions.ServerRange.Max - SmpVersions.ServerRange.Min + 1)];

    [Fact]
    public void Every_case_of_the_hierarchies_has_a_sample()
    {
        AssertCovered(typeof(SmpCommand), SmpSamples.Commands);
        AssertCovered(typeof(BrokerMessage), SmpSamples.Messages);

        static void AssertCovered(Type root, IEnumerable<object> samples)
        {
            var cases = root.GetNestedTypes().Where(type => type.IsSealed && type.IsAssignableTo(root)).ToHashSet();
            cases.ExceptWith(samples.Select(sample => sample.GetType()));
            Assert.Empty(cases);
        }
    }

    [Fact]
    public void Encoding_and_decoding_are_inverse_at_the_current_version()
    {
        foreach (var command in SmpSamples.Commands)
        {
            Assert.True(SmpCommandCodec.TryDecode(SmpVersions.Current, SmpCommandCodec.Encode(SmpVersions.Current, command), out var decoded, out _));
            Assert.Equal(command, decoded);
        }

        foreach (var message in SmpSamples.Messages)
        {
            Assert.True(BrokerMessageCodec.TryDecode(SmpVersions.Current, BrokerMessageCodec.Encode(SmpVersions.Current, message), out var decoded, out _));
            Assert.Equal(message, decoded);
        }
    }

    [Fact]
    public void Truncated_commands_and_messages_never_throw_and_what_they_decode_to_encodes()
    {
        foreach (var number in Versions)
        {
            var version = new SmpVersion((ushort)number);
            foreach (var command in SmpSamples.Commands)
            {
                var encoded = SmpCommandCodec.Encode(version, command);
                for (var length = 0; length < Math.Min(encoded.Length, 400); length++)
                {
                    if (SmpCommandCodec.TryDecode(version, encoded.AsMemory(0, length), out var decoded, out var error))
                    {
                        Assert.Equal(encoded[..length], SmpCommandCodec.Encode(version, decoded));
                    }
                    else
                    {
                        Assert.IsType<SmpError.Command>(error);
                    }
                }
            }

            foreach (var message in SmpSamples.Messages)
            {
                var encoded = BrokerMessageCodec.Encode(version, message);
                for (var length = 0; length < Math.Min(encoded.Length, 400); length++)
                {
                    if (BrokerMessageCodec.TryDecode(version, encoded.AsMemory(0, length), out var decoded, out _))
                    {
                        Assert.Equal(encoded[..length], BrokerMessageCodec.Encode(version, decoded));
                    }
                }
            }
        }
    }

    [Fact]
    public void What_is_written_into_batches_is_read_from_them()
    {
        var random = new SeededRandom(20261121);
        foreach (var number in Versions)
        {
            var format = new TransmissionFormat(new SmpVersion((ushort)number), random.NextBytes(32));
            for (var round = 0; round < 20; round++)
            {
                var writer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
                var written = new List<(CorrId CorrId, EntityId Entity, BrokerMessage Message)>();
                while (true)
                {
                    var item = (new CorrId(random.NextBytes(SmpLimits.IdLength)), new EntityId(random.NextBytes(random.Next(40))), SmpSamples.Messages[random.Next(SmpSamples.Messages.Count)]);
                    if (!writer.TryAppend(item.Item1, item.Item2, item.Item3))
                    {
                        break;
                    }

                    written.Add(item);
                }

                Assert.True(BatchReader.TryOpen(writer.WrittenSpan.ToArray(), format, out var reader), $"seed {random.Seed}");
                foreach (var (corrId, entity, message) in written)
                {
                    Assert.True(reader.TryReadNext(out var transmission));
                    Assert.Null(transmission.Error);
                    Assert.Equal(corrId, transmission.CorrId);
                    Assert.Equal(entity, transmission.Entity);
                    Assert.Equal(BrokerMessageCodec.Encode(format.Version, message), transmission.Command.ToArray());
                }

                Assert.False(reader.TryReadNext(out _));
            }
        }
    }

    [Fact]
    public void Plans_keep_every_transmission_in_order_and_fit_their_blocks()
    {
        var random = new SeededRandom(7);
        for (var round = 0; round < 200; round++)
        {
            var lengths = new int[1 + random.Next(600)];
            for (var i = 0; i < lengths.Length; i++)
            {
                lengths[i] = round % 2 == 0 ? random.Next(60) : random.Next(SmpLimits.BlockSize + 100);
            }

            var next = 0;
            foreach (var batch in BatchPlan.Split(lengths))
            {
                Assert.Equal(next, batch.Start);
                next += batch.Count;
                Assert.InRange(batch.Count, 1, SmpLimits.MaxBatchCount);
                var content = 1 + lengths.Skip(batch.Start).Take(batch.Count).Sum(length => length + sizeof(ushort));
                Assert.Equal(batch.IsTooLarge, content > SmpLimits.MaxBlockContent);
            }

            Assert.Equal(lengths.Length, next);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("010001")]
    [InlineData("01000000")]
    [InlineData("0200000000ff")]
    public void A_block_that_is_no_batch_is_refused(string content) =>
        Assert.False(BatchReader.TryOpen(Convert.FromHexString(content), new TransmissionFormat(SmpVersions.Current, [1, 2, 3]), out _));

    [Fact]
    public void A_message_sealed_in_the_block_is_the_same_as_one_sealed_before()
    {
        var random = new SeededRandom(20261122);
        foreach (var number in Versions)
        {
            var format = new TransmissionFormat(new SmpVersion((ushort)number), random.NextBytes(32));
            var corrId = new CorrId(random.NextBytes(SmpLimits.IdLength));
            var entity = new EntityId(random.NextBytes(random.Next(40)));
            var id = new MessageId(random.NextBytes(SmpLimits.IdLength));
            var box = random.NextBytes(RelayMessage.SealedLength);
            var before = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
            Assert.True(before.TryAppend(corrId, entity, BrokerMessage.Ok.Instance));
            Assert.True(before.TryAppend(corrId, entity, new BrokerMessage.Msg(id, box)));

            var inPlace = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
            Assert.True(inPlace.TryAppend(corrId, entity, BrokerMessage.Ok.Instance));
            Assert.True(inPlace.TryAppendMessage(corrId, entity, id, out var place));
            box.CopyTo(place);
            Assert.Equal(before.WrittenSpan.ToArray(), inPlace.WrittenSpan.ToArray());

            // There is no room for another, and where there is exactly enough there is room.
            Assert.False(inPlace.TryAppendMessage(corrId, entity, id, out _));
            Assert.Equal(before.WrittenSpan.ToArray(), inPlace.WrittenSpan.ToArray());
            var alone = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
            Assert.True(alone.TryAppendMessage(corrId, entity, id, out _));
            Assert.True(new BatchWriter(new byte[alone.Written], format).TryAppendMessage(corrId, entity, id, out _));
            Assert.False(new BatchWriter(new byte[alone.Written - 1], format).TryAppendMessage(corrId, entity, id, out _));
        }
    }

    [Fact]
    public void Reading_a_batch_and_decoding_a_message_command_allocates_the_command_only()
    {
        var format = new TransmissionFormat(SmpVersions.Current, new byte[32]);
        var authorizer = new TransmissionAuthorizer(format, null);
        Assert.True(authorizer.TryEncode(
            new CorrId(new byte[24]), new EntityId(new byte[24]), new SmpCommand.Send(MessageFlags.None, new byte[15000]), null, out var encoded));
        var writer = new BatchWriter(new byte[SmpLimits.MaxBlockContent], format);
        Assert.True(writer.TryAppend(encoded));
        var content = writer.WrittenSpan.ToArray();
        var scratch = new byte[SmpLimits.BlockSize];

        Read();
        var before = GC.GetAllocatedBytesForCurrentThread();
        const int rounds = 100;
        for (var i = 0; i < rounds; i++)
        {
            Read();
        }

        var perCommand = (GC.GetAllocatedBytesForCurrentThread() - before) / rounds;
        Assert.InRange(perCommand, 1, 64);

        void Read()
        {
            Assert.True(BatchReader.TryOpen(content, format, out var reader));
            while (reader.TryReadNext(out var transmission))
            {
                Assert.False(transmission.GetSigned(format, scratch).IsEmpty);
                Assert.True(transmission.TryDecodeCommand(format.Version, out _, out _));
            }
        }
    }

    [Fact]
    public void Writing_a_message_into_a_batch_allocates_nothing()
    {
        var format = new TransmissionFormat(SmpVersions.Current, new byte[32]);
        var message = new BrokerMessage.Msg(new MessageId(new byte[24]), new byte[RelayMessage.SealedLength]);
        var content = new byte[SmpLimits.MaxBlockContent];
        Write();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Write();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Write()
        {
            var writer = new BatchWriter(content, format);
            Assert.True(writer.TryAppend(CorrId.None, new EntityId([1, 2, 3]), message));
            Assert.True(writer.TryAppend(CorrId.None, new EntityId([1, 2, 3]), BrokerMessage.Ok.Instance));
        }
    }

    [Theory]
    [InlineData(6, "AUTH")]
    [InlineData(11, "AUTH")]
    [InlineData(12, "BLOCKED reason=spam")]
    [InlineData(17, "BLOCKED reason=spam")]
    [InlineData(18, "BLOCKED reason=spam,notice={\"ttl\":60}")]
    public void A_blocked_queue_is_told_as_the_version_can_know_it(ushort version, string expected) =>
        Assert.Equal(expected, SmpErrorCodec.Downgrade(new SmpVersion(version), new SmpError.Blocked(BlockingReason.Spam, new ClientNotice(60))).ToString());
}
