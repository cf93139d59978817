// Generated from book/plan.toml by `cargo course stubs`. Do not edit.
window.tinydbPlan = {
  "week": [
    {
      "number": 1,
      "title": "Core Concepts",
      "page": "week1/index.md",
      "part": [
        {
          "days": "Day 1-3",
          "title": "LSM-Tree Architecture",
          "notes": {
            "id": "w1.notes-1",
            "label": "Notes"
          },
          "item": [
            {
              "id": "w1.paper",
              "text": "Read LSM-Tree paper (sections 1-3)",
              "page": "week1/lsm_tree.md#the-paper"
            },
            {
              "id": "w1.write-path",
              "text": "Understand write path (WAL → MemTable → SSTable)",
              "page": "week1/lsm_tree.md#the-way-of-a-write"
            },
            {
              "id": "w1.read-path",
              "text": "Understand read path (MemTable → SSTables)",
              "page": "week1/lsm_tree.md#the-way-of-a-read"
            },
            {
              "id": "w1.diagram",
              "text": "Draw architecture diagram",
              "page": "week1/lsm_tree.md#draw-your-own"
            }
          ]
        },
        {
          "days": "Day 4-7",
          "title": "Study SlateDB Files",
          "notes": {
            "id": "w1.notes-2",
            "label": "Questions"
          },
          "item": [
            {
              "id": "w1.types",
              "text": "`types.rs` - RowEntry, ValueDeletable",
              "page": "week1/slatedb_files.md#1-typesrs-a-row",
              "tasks": [
                "1.4"
              ]
            },
            {
              "id": "w1.row-codec",
              "text": "`row_codec.rs` - Encoding/decoding",
              "page": "week1/slatedb_files.md#2-row_codecrs-a-row-as-bytes",
              "tasks": [
                "1.5",
                "1.6"
              ]
            },
            {
              "id": "w1.mem-table",
              "text": "`mem_table.rs` - In-memory storage",
              "page": "week1/slatedb_files.md#5-mem_tablers-rows-in-memory"
            },
            {
              "id": "w1.block",
              "text": "`block.rs` - Block format",
              "page": "week1/slatedb_files.md#3-blockrs-rows-together",
              "tasks": [
                "1.7",
                "1.8",
                "1.9"
              ]
            },
            {
              "id": "w1.sst",
              "text": "`sst.rs` - SSTable implementation",
              "page": "week1/slatedb_files.md#4-sstrs-a-file"
            }
          ]
        }
      ]
    },
    {
      "number": 2,
      "title": "Deep Dive",
      "page": "week2/index.md",
      "part": [
        {
          "days": "Day 8-10",
          "title": "Operations",
          "notes": {
            "id": "w2.notes-1",
            "label": "Insights"
          },
          "item": [
            {
              "id": "w2.trace-put",
              "text": "Trace `put()` operation in SlateDB",
              "page": "week2/operations.md#put"
            },
            {
              "id": "w2.trace-get",
              "text": "Trace `get()` operation in SlateDB",
              "page": "week2/operations.md#get"
            },
            {
              "id": "w2.trace-flush",
              "text": "Trace `flush()` operation in SlateDB",
              "page": "week2/operations.md#flush"
            },
            {
              "id": "w2.pseudocode",
              "text": "Write pseudocode for each",
              "page": "week2/model.md#task-2-1",
              "tasks": [
                "2.1",
                "2.2",
                "2.3"
              ]
            }
          ]
        },
        {
          "days": "Day 11-14",
          "title": "Iterators and Merge",
          "notes": {
            "id": "w2.notes-2",
            "label": "Key Learnings"
          },
          "item": [
            {
              "id": "w2.iter",
              "text": "Study `iter.rs`",
              "page": "week2/iterators_and_merge.md#read-slatedb-srciterrs"
            },
            {
              "id": "w2.merge-iterator",
              "text": "Study `merge_iterator.rs`",
              "page": "week2/iterators_and_merge.md#read-slatedb-srcmerge_iteratorrs",
              "tasks": [
                "2.4",
                "2.5"
              ]
            },
            {
              "id": "w2.merge-operator",
              "text": "Study `merge_operator.rs`",
              "page": "week2/merge_operands.md#read-slatedb-srcmerge_operatorrs",
              "tasks": [
                "2.6"
              ]
            },
            {
              "id": "w2.batch-merge",
              "text": "Understand streaming batch merge",
              "page": "week2/merge_operands.md#the-idea",
              "tasks": [
                "2.7"
              ]
            }
          ]
        }
      ]
    },
    {
      "number": 3,
      "title": "Build TinyDB Basics",
      "page": "week3/index.md",
      "part": [
        {
          "days": "Day 1-2",
          "title": "MemTable",
          "notes": {
            "id": "w3.notes-1",
            "label": "Challenges"
          },
          "item": [
            {
              "id": "w3.mem-table",
              "text": "Implement MemTable struct",
              "page": "week3/mem_table.md#task-3-1",
              "tasks": [
                "3.1",
                "3.2"
              ]
            },
            {
              "id": "w3.put-get-delete",
              "text": "Implement put/get/delete",
              "page": "week3/mem_table.md#task-3-2",
              "tasks": [
                "3.2",
                "3.3",
                "3.4"
              ]
            },
            {
              "id": "w3.mem-table-write-tests",
              "text": "Write tests",
              "page": "week3/mem_table.md#write-a-test-of-your-own"
            },
            {
              "id": "w3.mem-table-tests",
              "text": "Tests passing",
              "page": "week3/mem_table.md#task-3-4",
              "tasks": [
                "3.1",
                "3.2",
                "3.3",
                "3.4"
              ]
            }
          ]
        },
        {
          "days": "Day 3-4",
          "title": "WAL",
          "notes": {
            "id": "w3.notes-2",
            "label": "Challenges"
          },
          "item": [
            {
              "id": "w3.wal-writer",
              "text": "Implement WAL writer",
              "page": "week3/wal.md#task-3-5",
              "tasks": [
                "3.5",
                "3.6"
              ]
            },
            {
              "id": "w3.wal-reader",
              "text": "Implement WAL reader",
              "page": "week3/wal.md#task-3-7",
              "tasks": [
                "3.7",
                "3.8"
              ]
            },
            {
              "id": "w3.wal-write-tests",
              "text": "Write tests",
              "page": "week3/wal.md#write-a-test-of-your-own"
            },
            {
              "id": "w3.wal-tests",
              "text": "Tests passing",
              "page": "week3/wal.md#task-3-8",
              "tasks": [
                "3.5",
                "3.6",
                "3.7",
                "3.8"
              ]
            }
          ]
        },
        {
          "days": "Day 5-7",
          "title": "SSTable",
          "notes": {
            "id": "w3.notes-3",
            "label": "Challenges"
          },
          "item": [
            {
              "id": "w3.sst-writer",
              "text": "Implement SST writer",
              "page": "week3/sst.md#task-3-9",
              "tasks": [
                "3.9",
                "3.10"
              ]
            },
            {
              "id": "w3.sst-reader",
              "text": "Implement SST reader",
              "page": "week3/sst.md#task-3-11",
              "tasks": [
                "3.11",
                "3.12"
              ]
            },
            {
              "id": "w3.sst-write-tests",
              "text": "Write tests",
              "page": "week3/sst.md#write-a-test-of-your-own"
            },
            {
              "id": "w3.sst-tests",
              "text": "Tests passing",
              "page": "week3/sst.md#task-3-12",
              "tasks": [
                "3.9",
                "3.10",
                "3.11",
                "3.12"
              ]
            }
          ]
        }
      ]
    },
    {
      "number": 4,
      "title": "Complete TinyDB",
      "page": "week4/index.md",
      "part": [
        {
          "days": "Day 1-4",
          "title": "Database Implementation",
          "notes": {
            "id": "w4.notes-1",
            "label": "Challenges"
          },
          "item": [
            {
              "id": "w4.struct",
              "text": "Implement TinyDB struct",
              "page": "week4/manifest.md#task-4-1",
              "tasks": [
                "4.1",
                "4.2",
                "4.3",
                "4.4",
                "4.5",
                "4.6"
              ]
            },
            {
              "id": "w4.put-get-delete",
              "text": "Implement put/get/delete",
              "page": "week4/database.md#task-4-7",
              "tasks": [
                "4.7"
              ]
            },
            {
              "id": "w4.flush",
              "text": "Implement flush",
              "page": "week4/database.md#task-4-8",
              "tasks": [
                "4.8"
              ]
            },
            {
              "id": "w4.integration-tests",
              "text": "Integration tests passing",
              "page": "week4/index.md#what-you-write",
              "tasks": [
                "4.1",
                "4.2",
                "4.3",
                "4.4",
                "4.5",
                "4.6",
                "4.7",
                "4.8"
              ]
            }
          ]
        },
        {
          "days": "Day 5-7",
          "title": "Testing and Debugging",
          "notes": {
            "id": "w4.notes-2",
            "label": "Bugs Fixed"
          },
          "item": [
            {
              "id": "w4.large-data",
              "text": "Test with large datasets",
              "page": "week4/debugging.md#a-large-data-set"
            },
            {
              "id": "w4.flush-behavior",
              "text": "Test flush behavior",
              "page": "week4/debugging.md#flush-behaviour"
            },
            {
              "id": "w4.fix-bugs",
              "text": "Fix bugs",
              "page": "week4/debugging.md#the-bug-hunt"
            },
            {
              "id": "w4.all-tests",
              "text": "All tests passing",
              "page": "week4/debugging.md#the-bug-hunt",
              "tasks": [
                "4.1",
                "4.2",
                "4.3",
                "4.4",
                "4.5",
                "4.6",
                "4.7",
                "4.8"
              ]
            }
          ]
        }
      ]
    },
    {
      "number": 5,
      "title": "Iterators",
      "page": "week5/index.md",
      "part": [
        {
          "days": "Day 1-3",
          "title": "Iterator Design",
          "notes": {
            "id": "w5.notes-1",
            "label": "Design Decisions"
          },
          "item": [
            {
              "id": "w5.interface",
              "text": "Design iterator interface",
              "page": "week5/iterators.md#design-it-first"
            },
            {
              "id": "w5.mem-table-iterator",
              "text": "Implement MemTable iterator",
              "page": "week5/iterators.md#task-5-3",
              "tasks": [
                "5.3"
              ]
            },
            {
              "id": "w5.sst-iterator",
              "text": "Implement SST iterator",
              "page": "week5/iterators.md#task-5-4",
              "tasks": [
                "5.4"
              ]
            }
          ]
        },
        {
          "days": "Day 4-7",
          "title": "Merge Iterator",
          "notes": {
            "id": "w5.notes-2",
            "label": "Challenges"
          },
          "item": [
            {
              "id": "w5.merge-iterator",
              "text": "Implement merge iterator",
              "page": "week5/merge_iterator.md#task-5-5",
              "tasks": [
                "5.5",
                "5.6"
              ]
            },
            {
              "id": "w5.tombstones",
              "text": "Handle tombstones",
              "page": "week5/merge_iterator.md#task-5-8",
              "tasks": [
                "5.8"
              ]
            },
            {
              "id": "w5.write-tests",
              "text": "Write tests",
              "page": "week5/merge_iterator.md#write-a-test-of-your-own"
            },
            {
              "id": "w5.tests",
              "text": "Tests passing",
              "page": "week5/index.md#what-you-write",
              "tasks": [
                "5.1",
                "5.2",
                "5.3",
                "5.4",
                "5.5",
                "5.6",
                "5.7",
                "5.8"
              ]
            }
          ]
        }
      ]
    },
    {
      "number": 6,
      "title": "Merge Operators",
      "page": "week6/index.md",
      "part": [
        {
          "days": "Day 1-3",
          "title": "Trait Implementation",
          "notes": {
            "id": "w6.notes-1",
            "label": "Learnings"
          },
          "item": [
            {
              "id": "w6.trait",
              "text": "Define MergeOperator trait",
              "page": "week6/merge_operators.md#the-trait"
            },
            {
              "id": "w6.counter",
              "text": "Implement counter merge",
              "page": "week6/merge_operators.md#task-6-2",
              "tasks": [
                "6.2"
              ]
            },
            {
              "id": "w6.concat",
              "text": "Implement concat merge",
              "page": "week6/merge_operators.md#task-6-3",
              "tasks": [
                "6.3"
              ]
            },
            {
              "id": "w6.trait-write-tests",
              "text": "Write tests",
              "page": "week6/merge_operators.md#write-a-test-of-your-own"
            }
          ]
        },
        {
          "days": "Day 4-7",
          "title": "Batch Merge",
          "notes": {
            "id": "w6.notes-2",
            "label": "Optimizations"
          },
          "item": [
            {
              "id": "w6.merge-batch",
              "text": "Implement merge_batch",
              "page": "week6/merge_operators.md#task-6-1",
              "tasks": [
                "6.1"
              ]
            },
            {
              "id": "w6.streaming",
              "text": "Add streaming optimization",
              "page": "week6/batch_merge.md#task-6-5",
              "tasks": [
                "6.5",
                "6.6",
                "6.7"
              ]
            },
            {
              "id": "w6.batch-write-tests",
              "text": "Write tests",
              "page": "week6/batch_merge.md#write-a-test-of-your-own"
            },
            {
              "id": "w6.tests",
              "text": "Tests passing",
              "page": "week6/index.md#what-you-write",
              "tasks": [
                "6.1",
                "6.2",
                "6.3",
                "6.4",
                "6.5",
                "6.6",
                "6.7"
              ]
            }
          ]
        }
      ]
    },
    {
      "number": 7,
      "title": "Compare with SlateDB",
      "page": "week7/index.md",
      "part": [
        {
          "days": "Day 1-3",
          "title": "Architecture Comparison",
          "notes": {
            "id": "w7.notes-1",
            "label": "Key Differences"
          },
          "item": [
            {
              "id": "w7.storage",
              "text": "Compare storage layer",
              "page": "week7/compare_storage.md"
            },
            {
              "id": "w7.mem-table",
              "text": "Compare MemTable implementation",
              "page": "week7/compare_mem_table.md"
            },
            {
              "id": "w7.sst",
              "text": "Compare SST format",
              "page": "week7/compare_sst.md"
            },
            {
              "id": "w7.differences",
              "text": "Document differences",
              "page": "week7/compare_storage.md#write-it-down"
            }
          ]
        },
        {
          "days": "Day 4-7",
          "title": "Optimization Study",
          "notes": {
            "id": "w7.notes-2",
            "label": "Insights"
          },
          "item": [
            {
              "id": "w7.block-format",
              "text": "Study SlateDB's block format",
              "page": "week7/block_v2.md",
              "tasks": [
                "7.1",
                "7.2",
                "7.3",
                "7.4"
              ]
            },
            {
              "id": "w7.caching",
              "text": "Study caching strategy",
              "page": "week7/filter.md",
              "tasks": [
                "7.5",
                "7.6",
                "7.7",
                "7.8"
              ]
            },
            {
              "id": "w7.async",
              "text": "Study async patterns",
              "page": "week7/group_commit.md",
              "tasks": [
                "7.9",
                "7.10",
                "7.11"
              ]
            },
            {
              "id": "w7.optimizations",
              "text": "Document optimizations",
              "page": "week7/block_v2.md#measure-it"
            }
          ]
        }
      ]
    },
    {
      "number": 8,
      "title": "Advanced Topics",
      "page": "week8/index.md",
      "part": [
        {
          "days": "Day 1-4",
          "title": "Compaction",
          "notes": {
            "id": "w8.notes-1",
            "label": "Notes"
          },
          "item": [
            {
              "id": "w8.compactor",
              "text": "Study `compactor.rs`",
              "page": "week8/compactor.md",
              "tasks": [
                "8.5",
                "8.6",
                "8.7"
              ]
            },
            {
              "id": "w8.size-tiered",
              "text": "Understand size-tiered strategy",
              "page": "week8/size_tiered.md",
              "tasks": [
                "8.1",
                "8.2",
                "8.3",
                "8.4"
              ]
            },
            {
              "id": "w8.garbage-collection",
              "text": "Understand garbage collection",
              "page": "week8/garbage_collector.md",
              "tasks": [
                "8.8"
              ]
            },
            {
              "id": "w8.compaction-notes",
              "text": "Write notes",
              "page": "week8/size_tiered.md#the-rules"
            }
          ]
        },
        {
          "days": "Day 5-7",
          "title": "Object Storage",
          "notes": {
            "id": "w8.notes-2",
            "label": "Notes"
          },
          "item": [
            {
              "id": "w8.cached-object-store",
              "text": "Study `cached_object_store/`",
              "page": "week8/cached_object_store.md",
              "tasks": [
                "8.9",
                "8.10",
                "8.11",
                "8.12"
              ]
            },
            {
              "id": "w8.s3",
              "text": "Understand S3 integration",
              "page": "week8/object_storage.md"
            },
            {
              "id": "w8.caching",
              "text": "Understand caching",
              "page": "week8/cached_object_store.md#which-bytes-to-keep"
            },
            {
              "id": "w8.storage-notes",
              "text": "Write notes",
              "page": "questions.md#s3-cost"
            }
          ]
        }
      ]
    }
  ],
  "question": [
    {
      "id": "question.btreemap",
      "text": "Why use BTreeMap instead of HashMap for MemTable?",
      "page": "questions.md#btreemap"
    },
    {
      "id": "question.concurrent-writes",
      "text": "How does SlateDB handle concurrent writes?",
      "page": "questions.md#concurrent-writes"
    },
    {
      "id": "question.object-storage",
      "text": "Why object storage instead of local files?",
      "page": "questions.md#object-storage"
    },
    {
      "id": "question.which-files",
      "text": "How does compaction decide which files to merge?",
      "page": "questions.md#which-files"
    }
  ],
  "insight": [
    {
      "id": "insight.lsm-trees",
      "text": "LSM-Trees optimize for writes by...",
      "page": "insights.md#lsm-trees"
    },
    {
      "id": "insight.batch-merge",
      "text": "The streaming batch merge reduces memory by...",
      "page": "insights.md#batch-merge"
    },
    {
      "id": "insight.object-storage",
      "text": "Object storage enables...",
      "page": "insights.md#object-storage"
    }
  ],
  "next_step": [
    {
      "id": "next.contribute",
      "text": "Contribute to SlateDB",
      "page": "resources.md#contribute"
    },
    {
      "id": "next.blog",
      "text": "Write blog post about learning",
      "page": "resources.md#write"
    },
    {
      "id": "next.features",
      "text": "Implement additional features in TinyDB",
      "page": "resources.md#features"
    },
    {
      "id": "next.share",
      "text": "Share TinyDB on GitHub",
      "page": "resources.md#share"
    }
  ],
  "resource": [
    {
      "id": "resource.paper",
      "text": "LSM-Tree paper",
      "page": "resources.md#resources"
    },
    {
      "id": "resource.database-internals",
      "text": "Database Internals book",
      "page": "resources.md#resources"
    },
    {
      "id": "resource.slatedb",
      "text": "SlateDB source code",
      "page": "resources.md#resources"
    },
    {
      "id": "resource.mini-lsm",
      "text": "Mini-LSM tutorial",
      "page": "resources.md#resources"
    },
    {
      "id": "resource.rocksdb",
      "text": "RocksDB documentation",
      "page": "resources.md#resources"
    }
  ],
  "check": [
    {
      "id": "done.architecture",
      "text": "Understand LSM-Tree architecture",
      "page": "resources.md#checklist"
    },
    {
      "id": "done.runs",
      "text": "TinyDB compiles and runs",
      "page": "resources.md#checklist"
    },
    {
      "id": "done.tests",
      "text": "All tests passing",
      "page": "resources.md#checklist",
      "tasks": [
        "1.1",
        "1.2",
        "1.3",
        "1.4",
        "1.5",
        "1.6",
        "1.7",
        "1.8",
        "1.9",
        "2.1",
        "2.2",
        "2.3",
        "2.4",
        "2.5",
        "2.6",
        "2.7",
        "3.1",
        "3.2",
        "3.3",
        "3.4",
        "3.5",
        "3.6",
        "3.7",
        "3.8",
        "3.9",
        "3.10",
        "3.11",
        "3.12",
        "4.1",
        "4.2",
        "4.3",
        "4.4",
        "4.5",
        "4.6",
        "4.7",
        "4.8",
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "5.5",
        "5.6",
        "5.7",
        "5.8",
        "6.1",
        "6.2",
        "6.3",
        "6.4",
        "6.5",
        "6.6",
        "6.7",
        "7.1",
        "7.2",
        "7.3",
        "7.4",
        "7.5",
        "7.6",
        "7.7",
        "7.8",
        "7.9",
        "7.10",
        "7.11",
        "8.1",
        "8.2",
        "8.3",
        "8.4",
        "8.5",
        "8.6",
        "8.7",
        "8.8",
        "8.9",
        "8.10",
        "8.11",
        "8.12"
      ]
    },
    {
      "id": "done.iterators",
      "text": "Iterators work",
      "page": "resources.md#checklist",
      "tasks": [
        "5.1",
        "5.2",
        "5.3",
        "5.4",
        "5.5",
        "5.6",
        "5.7",
        "5.8"
      ]
    },
    {
      "id": "done.merge",
      "text": "Merge operators implemented",
      "page": "resources.md#checklist",
      "tasks": [
        "6.1",
        "6.2",
        "6.3",
        "6.4",
        "6.5",
        "6.6",
        "6.7"
      ]
    },
    {
      "id": "done.optimizations",
      "text": "Can explain SlateDB optimizations",
      "page": "resources.md#checklist"
    },
    {
      "id": "done.ready",
      "text": "Ready to contribute!",
      "page": "resources.md#contribute"
    }
  ]
};
