using System.Reflection;
using System.Reflection.Emit;

namespace Pairwise.Crypto.Tests;

/// <summary>
/// Follows secrets through the compiled code of some types and reports where one decides a branch, an address, an
/// operand of a division or an overflow check. Whatever is read from memory (spans, arrays, references) is a secret, as
/// is all that is computed from one; lengths, constants and loop counters are not.
/// </summary>
/// <remarks>
/// It looks at IL: what the JIT makes of it is not proved, but the constructs in use (masks, vector operations) are ones
/// it has no branches for. Locals and fields are judged without regard to order, so it errs on the strict side. A call
/// out of the analysed types must be on a list of reviewed ones.
/// </remarks>
internal sealed class SecretFlow
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    private readonly HashSet<Type> _types;
    private readonly Dictionary<MethodBase, MethodFacts> _methods = [];
    private readonly HashSet<FieldInfo> _secretFields = [];
    private readonly SortedSet<string> _faults = new(StringComparer.Ordinal);
    private bool _hasChanged;

    public SecretFlow(IEnumerable<Type> types)
    {
        _types = [.. types.SelectMany(WithNested)];
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        foreach (var type in _types)
        {
            foreach (var method in type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)))
            {
                if (method.GetMethodBody() is { } body)
                    _methods.Add(method, new MethodFacts(method, body));
            }
        }
    }

    /// <summary>How many methods were looked at.</summary>
    public int MethodCount => _methods.Count;

    /// <summary>All faults, each as "Type.Method: what".</summary>
    public IReadOnlyCollection<string> Run()
    {
        // What is known of parameters, results and fields grows until nothing new is found; the last round reports.
        do
        {
            _hasChanged = false;
            _faults.Clear();
            foreach (var facts in _methods.Values)
                new Walk(this, facts).Run();
        }
        while (_hasChanged);
        return _faults;
    }

    private static IEnumerable<Type> WithNested(Type type) =>
        type.GetNestedTypes(BindingFlags.Public | BindingFlags.NonPublic).SelectMany(WithNested).Prepend(type);

    private void Mark(bool[] flags, int index, bool isSecret)
    {
        if (!isSecret || flags[index])
            return;
        flags[index] = true;
        _hasChanged = true;
    }

    /// <summary>What is known of one method: which parameters, locals and results may be secret.</summary>
    private sealed class MethodFacts(MethodBase method, MethodBody body)
    {
        public MethodBase Method { get; } = method;

        public byte[] Il { get; } = body.GetILAsByteArray()!;

        public ParameterInfo[] Parameters { get; } = method.GetParameters();

        public int ThisCount { get; } = method.IsStatic ? 0 : 1;

        public bool[] Arguments { get; } = new bool[method.GetParameters().Length + 1];

        public bool[] WrittenThroughArguments { get; } = new bool[method.GetParameters().Length + 1];

        public bool[] Locals { get; } = new bool[body.LocalVariables.Count];

        public bool[] Result { get; } = new bool[1];
    }

    private enum Place
    {
        None,
        Local,
        Argument,
        ThroughArgument,
        Memory,
    }

    /// <summary>A value on the stack; for an address, what it is the address of.</summary>
    private readonly record struct Value(bool IsSecret, Place Place = Place.None, int Index = 0);

    private sealed class Walk(SecretFlow flow, MethodFacts facts)
    {
        private readonly Dictionary<int, Value[]> _stacks = [];
        private readonly Queue<int> _pending = new();
        private readonly Stack<Value> _stack = new();

        public void Run()
        {
            Reach(0, []);
            while (_pending.TryDequeue(out var offset))
            {
                _stack.Clear();
                foreach (var value in _stacks[offset])
                    _stack.Push(value);
                Straight(offset);
            }
        }

        private void Reach(int offset, Value[] stack)
        {
            if (!_stacks.TryGetValue(offset, out var known))
            {
                _stacks.Add(offset, stack);
                _pending.Enqueue(offset);
                return;
            }

            var joined = known.Zip(stack, (left, right) => left with { IsSecret = left.IsSecret || right.IsSecret }).ToArray();
            if (joined.SequenceEqual(known))
                return;
            _stacks[offset] = joined;
            _pending.Enqueue(offset);
        }

        private Value[] Snapshot() => [.. _stack.Reverse()];

        private void Straight(int offset)
        {
            while (true)
            {
                var start = offset;
                short code = facts.Il[offset++];
                if (code == 0xfe)
                    code = unchecked((short)(0xfe00 | facts.Il[offset++]));
                var opCode = OpCodesByValue[code];
                var operand = offset;
                offset += OperandSize(opCode, operand);
                switch (opCode.FlowControl)
                {
                    case FlowControl.Branch:
                        if (opCode.Name!.StartsWith("leave", StringComparison.Ordinal))
                            _stack.Clear();
                        Reach(Target(opCode, operand, offset), Snapshot());
                        return;
                    case FlowControl.Cond_Branch:
                        ConditionalBranch(opCode, operand, offset);
                        Reach(offset, Snapshot());
                        return;
                    case FlowControl.Return:
                        if (_stack.TryPop(out var result))
                            flow.Mark(facts.Result, 0, result.IsSecret);
                        return;
                    case FlowControl.Throw:
                        return;
                    case FlowControl.Call:
                        Call(opCode, operand);
                        break;
                    default:
                        Execute(opCode, operand, start);
                        break;
                }
            }
        }

        private void ConditionalBranch(OpCode opCode, int operand, int next)
        {
            var isSecret = _stack.Pop().IsSecret;
            if (opCode.StackBehaviourPop == StackBehaviour.Pop1_pop1)
                isSecret |= _stack.Pop().IsSecret;
            Check(!isSecret, "branches on a secret");
            if (opCode == OpCodes.Switch)
            {
                var count = BitConverter.ToInt32(facts.Il, operand);
                for (var i = 0; i < count; i++)
                    Reach(next + BitConverter.ToInt32(facts.Il, operand + 4 + (4 * i)), Snapshot());
            }
            else
            {
                Reach(Target(opCode, operand, next), Snapshot());
            }
        }

        private int Target(OpCode opCode, int operand, int next) => opCode.OperandType == OperandType.ShortInlineBrTarget
            ? next + unchecked((sbyte)facts.Il[operand])
            : next + BitConverter.ToInt32(facts.Il, operand);

        private int OperandSize(OpCode opCode, int operand) => opCode.OperandType switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(facts.Il, operand)),
            _ => 4,
        };

        private void Execute(OpCode opCode, int operand, int start)
        {
            var name = opCode.Name!;
            var part = name.Split('.');
            switch (part[0])
            {
                case "ldarg":
                    LoadArgument(Number(part, opCode, operand));
                    break;
                case "ldarga":
                    Push(new Value(false, Place.Argument, Number(part, opCode, operand)));
                    break;
                case "starg":
                    flow.Mark(facts.Arguments, Number(part, opCode, operand), _stack.Pop().IsSecret);
                    break;
                case "ldloc":
                    Push(new Value(facts.Locals[Number(part, opCode, operand)], Place.Memory));
                    break;
                case "ldloca":
                    Push(new Value(false, Place.Local, Number(part, opCode, operand)));
                    break;
                case "stloc":
                    flow.Mark(facts.Locals, Number(part, opCode, operand), _stack.Pop().IsSecret);
                    break;
                case "ldind" or "ldobj":
                    Push(new Value(!name.EndsWith("ref", StringComparison.Ordinal) && IsSecretAt(_stack.Pop())));
                    break;
                case "stind" or "stobj":
                    var stored = _stack.Pop();
                    StoreAt(_stack.Pop(), stored.IsSecret);
                    break;
                case "ldfld":
                    Push(new Value(IsSecretField(operand) | IsSecretStruct(_stack.Pop()), Place.Memory));
                    break;
                case "ldflda":
                    // The address of a field: what is read through it is as secret as the field.
                    var owner = _stack.Pop();
                    Push(owner.Place is Place.Local or Place.Argument ? owner : new Value(false, Place.Memory));
                    break;
                case "stfld":
                    var written = _stack.Pop();
                    _stack.Pop();
                    if (written.IsSecret && flow._secretFields.Add(Field(operand)))
                        flow._hasChanged = true;
                    break;
                case "ldsfld" or "ldsflda":
                    // Tables of the analysed types: public.
                    Push(new Value(false, Place.Memory));
                    break;
                case "ldelem" or "ldelema":
                    Check(!_stack.Pop().IsSecret, "takes an element at a secret index");
                    _stack.Pop();
                    Push(part[0] == "ldelema" ? new Value(false, Place.Memory) : new Value(!name.EndsWith("ref", StringComparison.Ordinal), Place.Memory));
                    break;
                case "stelem":
                    _stack.Pop();
                    Check(!_stack.Pop().IsSecret, "writes to a secret index");
                    _stack.Pop();
                    break;
                case "newarr":
                    Check(!_stack.Pop().IsSecret, "allocates by a secret length");
                    Push(default);
                    break;
                case "ldlen":
                    _stack.Pop();
                    Push(default);
                    break;
                case "initobj":
                    _stack.Pop();
                    break;
                case "dup":
                    Push(_stack.Peek());
                    break;
                default:
                    ExecuteArithmetic(opCode, part, start);
                    break;
            }
        }

        private void ExecuteArithmetic(OpCode opCode, string[] part, int start)
        {
            var pops = opCode.StackBehaviourPop switch
            {
                StackBehaviour.Pop0 => 0,
                StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
                StackBehaviour.Pop1_pop1 or StackBehaviour.Popi_popi or StackBehaviour.Popi_pop1 => 2,
                _ => throw new NotSupportedException($"{facts.Method}: {opCode} at {start}"),
            };
            var isSecret = false;
            for (var i = 0; i < pops; i++)
                isSecret |= _stack.Pop().IsSecret;
            if (part[0] is "div" or "rem")
                Check(!isSecret, "divides a secret or by one");
            if (part.Contains("ovf"))
                Check(!isSecret, "checks a secret for overflow");
            if (opCode.StackBehaviourPush is not StackBehaviour.Push0)
                Push(new Value(isSecret));
        }

        private void Call(OpCode opCode, int operand)
        {
            var method = Resolve(operand);
            var parameters = method.GetParameters();
            var arguments = new Value[parameters.Length];
            for (var i = parameters.Length - 1; i >= 0; i--)
                arguments[i] = _stack.Pop();
            var isNew = opCode == OpCodes.Newobj;
            var thisCount = method.IsStatic ? 0 : 1;
            var self = !method.IsStatic && !isNew ? _stack.Pop() : default;

            bool result;
            if (flow._methods.TryGetValue(method, out var callee))
            {
                for (var i = 0; i < arguments.Length; i++)
                {
                    flow.Mark(callee.Arguments, i + thisCount, arguments[i].IsSecret);
                    if (parameters[i].ParameterType.IsByRef)
                    {
                        // What a reference points to counts as secret inside, and comes back as it was written.
                        StoreAt(arguments[i], callee.WrittenThroughArguments[i + thisCount]);
                    }
                }

                result = callee.Result[0];
            }
            else
            {
                result = CallOutside(method, self, arguments);
            }

            if (isNew)
                Push(new Value(flow._methods.ContainsKey(method) ? false : arguments.Any(argument => argument.IsSecret), Place.Memory));
            else if (method is MethodInfo { ReturnType: var type } && type != typeof(void))
                Push(new Value(result, Place.Memory));
        }

        private bool CallOutside(MethodBase method, Value self, Value[] arguments)
        {
            var isSecret = arguments.Any(argument => argument.IsSecret) || (self.Place != Place.None && IsSecretStruct(self));
            var rule = ReviewedCalls.RuleOf(method);
            switch (rule)
            {
                case ReviewedCalls.Rule.Computes:
                    foreach (var argument in arguments.Where(argument => argument.Place is Place.Local))
                        StoreAt(argument, isSecret);
                    return isSecret;
                case ReviewedCalls.Rule.Reads:
                    Check(!arguments.Any(argument => argument.IsSecret), $"calls {method.Name} at a secret place");
                    return true;
                case ReviewedCalls.Rule.Locates:
                    Check(!arguments.Any(argument => argument.IsSecret), $"calls {method.Name} with a secret");
                    return false;
                case ReviewedCalls.Rule.Writes:
                    // The value may be secret; the place, which comes after it, may not.
                    Check(!arguments.Skip(1).Any(argument => argument.IsSecret), $"calls {method.Name} at a secret place");
                    return false;
                case ReviewedCalls.Rule.Trusted:
                    return false;
                default:
                    Check(false, $"calls {method.DeclaringType?.Name}.{method.Name}, which nobody reviewed");
                    return isSecret;
            }
        }

        private void LoadArgument(int index)
        {
            var position = index - facts.ThisCount;
            var isReference = position >= 0 && facts.Parameters[position].ParameterType.IsByRef;
            Push(new Value(facts.Arguments[index], isReference ? Place.ThroughArgument : Place.Memory, index));
        }

        private bool IsSecretAt(Value address) => address.Place switch
        {
            Place.Local => facts.Locals[address.Index],
            Place.Argument => facts.Arguments[address.Index],
            _ => true,
        };

        private bool IsSecretStruct(Value owner) => owner.Place switch
        {
            Place.Local => facts.Locals[owner.Index],
            Place.Argument => facts.Arguments[owner.Index],
            _ => owner.IsSecret,
        };

        private void StoreAt(Value address, bool isSecret)
        {
            switch (address.Place)
            {
                case Place.Local:
                    flow.Mark(facts.Locals, address.Index, isSecret);
                    break;
                case Place.Argument:
                    flow.Mark(facts.Arguments, address.Index, isSecret);
                    break;
                case Place.ThroughArgument:
                    flow.Mark(facts.WrittenThroughArguments, address.Index, isSecret);
                    break;
                default:
                    break;
            }
        }

        private bool IsSecretField(int operand) => flow._secretFields.Contains(Field(operand));

        private FieldInfo Field(int operand) => facts.Method.Module.ResolveField(
            BitConverter.ToInt32(facts.Il, operand), TypeArguments(), null)!;

        private MethodBase Resolve(int operand) => facts.Method.Module.ResolveMethod(
            BitConverter.ToInt32(facts.Il, operand), TypeArguments(), facts.Method.IsGenericMethod ? facts.Method.GetGenericArguments() : null)!;

        private Type[]? TypeArguments() => facts.Method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;

        private int Number(string[] part, OpCode opCode, int operand) => opCode.OperandType switch
        {
            OperandType.ShortInlineVar => facts.Il[operand],
            OperandType.InlineVar => BitConverter.ToUInt16(facts.Il, operand),
            _ => part[1][0] - '0',
        };

        private void Push(Value value) => _stack.Push(value);

        private void Check(bool isFine, string fault)
        {
            if (!isFine)
                flow._faults.Add($"{facts.Method.DeclaringType!.Name}.{facts.Method.Name}: {fault}");
        }
    }
}
